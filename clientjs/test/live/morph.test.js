/** What a refreshed fragment keeps. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { JSDOM } from "jsdom";

import { morph } from "../../src/live/morph.js";

globalThis.CSS ??= { escape: (text) => text };
let document;

beforeEach(() => {
  const { window } = new JSDOM("<body></body>");
  document = window.document;
  Object.assign(globalThis, { document, Element: window.Element, Node: window.Node, Document: window.Document });
  globalThis.parse = (html) => new window.DOMParser().parseFromString(html, "text/html").body.firstElementChild;
});

/** Show, let the viewer act, and refresh. */
function refreshed(before, after, act = () => {}) {
  document.body.innerHTML = `<div id="a">${before}</div>`;
  act((id) => document.getElementById(id));
  morph(document.getElementById("a"), parse(`<div id="a">${after}</div>`));
  return (id) => document.getElementById(id);
}

test("fields that the viewer has changed keep their values, and others take the new ones", () => {
  const fields = (value, checked, selected) => `
    <input id="typed" value="${value}"><input id="plain" value="${value}"><textarea id="text">${value}</textarea>
    <textarea id="other">${value}</textarea><input type="checkbox" id="box" ${checked}><input type="checkbox" id="same" ${checked}>
    <select id="list"><option ${selected}>x<option>y<option>z</select><select id="auto"><option>x<option ${selected}>y</select>
    <input type="radio" name="r" id="r1"><input type="radio" name="r" id="r2"><input type="radio" name="r" id="r3" ${checked}>`;
  const $ = refreshed(fields("old", "", ""), fields("new", "checked", "selected"), ($) => {
    $("typed").value = "mine";
    $("text").value = "mine";
    $("box").checked = true;
    $("box").defaultChecked = false;
    $("list").value = "z";
    $("r2").checked = true;
  });
  assert.deepEqual(
    ["typed", "plain", "text", "other", "list", "auto"].map((id) => $(id).value),
    ["mine", "new", "mine", "new", "z", "y"],
  );
  assert.deepEqual(["box", "same", "r2", "r3"].map((id) => $(id).checked), [true, true, true, false]);
});

test("a field that was changed and changed back takes the new value", () => {
  const $ = refreshed('<input id="i" value="old">', '<input id="i" value="new">', ($) => {
    $("i").value = "typed";
    $("i").value = "old";
  });
  assert.equal($("i").value, "new");
});

test("the field with the focus keeps it, and its value", () => {
  const $ = refreshed('<p>1</p><input id="i" value="old">', '<p>1</p><p>2</p><input id="i" value="new">', ($) => $("i").focus());
  assert.deepEqual([document.activeElement.id, $("i").value], ["i", "old"]);
});

test("details stay open or closed, and other attributes change", () => {
  const $ = refreshed('<details id="d"></details><details id="e" open></details>', '<details id="d" class="x"></details><details id="e"></details>', ($) => {
    $("d").open = true;
  });
  assert.deepEqual([$("d").open, $("d").className, $("e").open], [true, "x", true]);
});

test("an element with data-sockgate-keep is left alone, and is not removed", () => {
  const $ = refreshed('<p id="k" data-sockgate-keep>old</p><p data-sockgate-keep>old</p>', '<p id="k" data-sockgate-keep>new</p>');
  assert.equal($("a").textContent, "oldold");
});

test("scripts are taken out, and data stays", () => {
  const $ = refreshed(
    "",
    '<script id="s">x</script><script id="m" type="module">x</script><script id="i" type="importmap">{}</script><p><script id="n"></script></p><script id="j" type="application/json">{}</script><script id="l" type="application/ld+json">{}</script>',
  );
  assert.deepEqual(["s", "m", "i", "n", "j", "l"].map((id) => !!$(id)), [false, false, false, false, true, true]);
});

test("elements with an id stay the same elements when rows come before them", () => {
  document.body.innerHTML = '<div id="a"><ul><li id="r1">1</li></ul></div>';
  const row = document.getElementById("r1");
  morph(document.getElementById("a"), parse('<div id="a"><ul><li id="r0">0</li><li id="r1">one</li></ul></div>'));
  assert.equal(document.getElementById("r1"), row);
  assert.equal(document.querySelector("ul").textContent, "0one");
});
