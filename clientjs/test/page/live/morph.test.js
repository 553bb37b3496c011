/** What a refreshed fragment keeps. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { JSDOM } from "jsdom";

import { morph } from "../../../src/page/live/morph.js";

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

test("the field with the focus keeps it, and its value where somebody has typed", () => {
  const $ = refreshed('<p>1</p><input id="i" value="old">', '<p>1</p><p>2</p><input id="i" value="new">', ($) => $("i").focus());
  assert.deepEqual([document.activeElement.id, $("i").value], ["i", "new"]);
  const typed = refreshed('<input id="i" value="old">', '<p>1</p><input id="i" value="new">', ($) => {
    $("i").focus();
    $("i").value = "old and more";
  });
  assert.deepEqual([document.activeElement.id, typed("i").value], ["i", "old and more"]);
});

/** A fragment that the viewer fills in, and then the server, several times. */
function followed(field, fill, ...values) {
  document.body.innerHTML = `<div id="a">${field("")}</div>`;
  fill(document.getElementById("i"));
  const shown = () => document.getElementById("i").value || document.getElementById("i").checked;
  return values.map((value) => {
    morph(document.getElementById("a"), parse(`<div id="a">${field(value)}</div>`));
    return shown();
  });
}

test("a field that the server has taken follows it again", () => {
  const input = (value) => `<input id="i" value="${value}">`;
  const type = (i) => (i.value = "mine");
  assert.deepEqual(followed(input, type, "bob's", "mine", "bob's newer"), ["mine", "mine", "bob's newer"]);
  assert.deepEqual(followed((value) => `<textarea id="i">${value}</textarea>`, type, "bob's", "mine", "bob's newer"), ["mine", "mine", "bob's newer"]);
  const select = (value) => `<select id="i">${["a", "b", "c"].map((one) => `<option${one === value ? " selected" : ""}>${one}</option>`).join("")}</select>`;
  assert.deepEqual(followed(select, (i) => (i.value = "b"), "c", "b", "c", ""), ["b", "b", "c", "a"]);
  const box = (value) => `<input type="checkbox" id="i" value="" ${value}>`;
  assert.deepEqual(followed(box, (i) => (i.checked = true), "", "checked", ""), [true, true, false]);
});

test("what Django strips counts as taken once the field is left, and not while somebody types", () => {
  const input = (value) => `<input id="i" value="${value}">`;
  const type = (i) => (i.value = "two words ");
  assert.deepEqual(followed(input, type, "two words", "newer"), ["two words", "newer"]);
  assert.deepEqual(followed(input, (i) => (i.focus(), type(i)), "two words", "newer"), ["two words ", "two words "]);
});

test("a number counts as taken in whatever form the server writes it, once the field is left", () => {
  const input = (value) => `<input type="number" step="any" id="i" value="${value}">`;
  const type = (i) => (i.value = "2.50");
  assert.deepEqual(followed(input, type, "2.5", "3"), ["2.5", "3"]);
  assert.deepEqual(followed(input, type, "2.4", "3"), ["2.50", "2.50"]);
  assert.deepEqual(followed(input, (i) => (i.focus(), type(i)), "2.5", "3"), ["2.50", "2.50"]);
  assert.deepEqual(followed(input, (i) => (i.value = "0.00"), "0", "3"), ["0", "3"]);
  assert.deepEqual(followed(input, (i) => (i.value = "0.00"), "", "3"), ["0.00", "0.00"]);
});

test("a textarea that a person has made larger stays so, and another element has the server's style", () => {
  const parts = (style) => `<textarea id="t" style="${style}"></textarea><p id="p" style="${style}"></p>`;
  for (const side of ["height", "width"]) {
    const $ = refreshed(parts(""), parts(""), ($) => ["t", "p"].forEach((id) => ($(id).style[side] = "300px")));
    assert.deepEqual([$("t").style[side], $("p").style[side]], ["300px", ""]);
  }
});

test("a chosen option stays chosen when others come before it", () => {
  const $ = refreshed('<select id="s"><option>a<option>b</select>', '<select id="s"><option>new<option>a<option>b</select>', ($) => ($("s").value = "b"));
  assert.equal($("s").value, "b");
});

test("of several options with the same value, the one that the server has selected is", () => {
  const list = (text, selected) => `<p>${text}</p><select id="s"><option value="">1</option><option value=""${selected}>2</option><option value="">3</option></select>`;
  assert.equal(refreshed(list("old", ""), list("new", ""))("s").selectedIndex, 0);
  assert.equal(refreshed(list("old", ""), list("new", " selected"))("s").selectedIndex, 1);
});

test("a row in which somebody types is not removed, and is not changed into another row", () => {
  const row = (id) => `<li id="r${id}">${id}<input name="t"></li>`;
  const $ = refreshed(`<ul>${row(1)}${row(2)}${row(3)}</ul>`, `<ul>${row(3)}</ul>`, ($) => ($("r2").firstElementChild.value = "typed"));
  assert.deepEqual([!!$("r1"), $("r2").firstElementChild.value, $("r3").firstElementChild.value], [false, "typed", ""]);
});

test("a row that moves to another list is the same row, with its text", () => {
  const row = '<li id="r"><input name="t"></li>';
  let before;
  const $ = refreshed(`<ul id="u">${row}</ul><ul id="v"><li id="x">x</li></ul>`, `<ul id="u"></ul><ul id="v"><li id="x">x</li>${row}</ul>`, ($) => {
    before = $("r");
    before.firstElementChild.value = "typed";
  });
  assert.equal($("r"), before);
  assert.deepEqual([$("v").lastElementChild, before.firstElementChild.value], [before, "typed"]);
});

test("rows without an id stay the same ones when one is added or removed before them", () => {
  for (const [from, to] of [["abc", "xabc"], ["abc", "bc"]]) {
    const rows = (names) => `<ul>${[...names].map((name) => `<li>${name}</li>`).join("\n")}</ul>`;
    let before;
    refreshed(rows(from), rows(to), () => (before = [...document.querySelectorAll("li")].at(-1)));
    assert.deepEqual([...document.querySelectorAll("li")].map((one) => one.textContent), [...to]);
    assert.equal([...document.querySelectorAll("li")].at(-1), before);
  }
});

test("a part with an id is the same one inside a new element around it", () => {
  let before;
  const $ = refreshed('<p id="p">1</p>', '<section><div><p id="p">2</p></div></section>', ($) => (before = $("p")));
  assert.equal($("p"), before);
  assert.equal($("a").innerHTML, '<section><div><p id="p">2</p></div></section>');
});

test("any fresh content is shown as it is", () => {
  const random = (() => {
    let seed = 7;
    return (max) => (seed = (seed * 16807) % 2147483647) % max;
  })();
  const tree = (depth) => {
    const name = ["p", "b", "i"][random(3)];
    const id = random(2) ? ` id="n${random(12)}"` : "";
    const inner = depth ? Array.from({ length: random(4) }, () => tree(depth - 1)).join("") : `${random(5)}`;
    return `<${name}${id}${random(2) ? ` class="${random(3)}"` : ""}>${inner}</${name}>`.replaceAll("<p", "<div").replaceAll("</p", "</div");
  };
  document.body.innerHTML = '<div id="a"></div>';
  for (let number = 0; number < 300; number++) {
    const fresh = `<div id="a">${tree(3)}${tree(3)}</div>`;
    morph(document.getElementById("a"), parse(fresh));
    assert.ok(document.getElementById("a").isEqualNode(parse(fresh)), fresh);
  }
});

test("details stay open or closed, and other attributes change", () => {
  const $ = refreshed('<details id="d"></details><details id="e" open></details>', '<details id="d" class="x"></details><details id="e"></details>', ($) => {
    $("d").open = true;
  });
  assert.deepEqual([$("d").open, $("d").className, $("e").open], [true, "x", true]);
});

test("what is kept is left alone, or attributes of it are", () => {
  document.body.innerHTML = '<div id="a"><p id="k" class="x">old</p><p id="c" class="shown" title="old">old</p></div>';
  const a = document.getElementById("a");
  const fresh = parse('<div id="a"><p id="k" class="y">new</p><p id="c" class="" title="new">new</p></div>');
  const [k, c] = fresh.children;
  morph(a, fresh, [], new Map([[k, []], [c, ["class"]]]));
  assert.equal(a.innerHTML, '<p id="k" class="x">old</p><p id="c" class="shown" title="new">new</p>');
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

test("a radio outside of its form keeps what was chosen", () => {
  const fields = '<form id="f"></form><input type="radio" name="r" form="f" id="r1" checked><input type="radio" name="r" form="f" id="r2">';
  const $ = refreshed(fields, fields, ($) => ($("r2").checked = true));
  assert.deepEqual([$("r1").checked, $("r2").checked], [false, true]);
});
