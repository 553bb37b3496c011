/** Fragments that Django pushes. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { push } from "../../../src/page/html/push.js";
import { morph } from "../../../src/page/live/morph.js";
import { start } from "../../../src/page/live/module.js";
import { start as startWithoutPush } from "../../../src/page/live/start.js";

import { fragment, ORDERS, Page } from "./fakes/livesite.js";

/** The event of these publications. */
const EVENT = "sockgate:html";

globalThis.CSS ??= { escape: (text) => text };

/** Outside of fragments. */
const showing = (emit) => [emit, (element, fresh) => void morph(element, fresh), () => [], () => {}, () => [], () => [], () => undefined];

/** Show a body, push, and return what it is then. */
function pushed(body, data, emit = () => true) {
  const { window } = new JSDOM(body);
  const { document, Element, Node, Document } = window;
  Object.assign(globalThis, { document, Element, Node, Document });
  push(window, data, showing(emit));
  return document.body.innerHTML;
}

const LIST = '<ul id="t"><li id="a">a</li></ul>';
const RESULTS = {
  append: '<ul id="t"><li id="a">a</li><li>x</li></ul>',
  prepend: '<ul id="t"><li>x</li><li id="a">a</li></ul>',
  before: '<li>x</li><ul id="t"><li id="a">a</li></ul>',
  after: '<ul id="t"><li id="a">a</li></ul><li>x</li>',
  replace: '<ul id="t"><li>x</li></ul>',
  outer: "<li>x</li>",
  remove: "",
  innerHTML: LIST,
  constructor: LIST,
};

for (const [swap, result] of Object.entries(RESULTS)) {
  test(`the swap ${swap}`, () => {
    const html = swap === "remove" ? "" : "<li>x</li>";
    assert.equal(pushed(LIST, { target: "t", swap, html }), result);
  });
}

test("an element that has the name of a library, or of a method, changes nothing", () => {
  const body = `<a id="htmx">x</a><img name="getElementById">${LIST}`;
  assert.match(pushed(body, { target: "t", swap: "append", html: '<li id="a">b</li>' }), /<li id="a">b<\/li><\/ul>$/);
});

test("outer morphs an element with the same id", () => {
  const { window } = new JSDOM('<p id="t">old</p>');
  Object.assign(globalThis, { document: window.document, Element: window.Element, Node: window.Node, Document: window.Document });
  const element = window.document.getElementById("t");
  push(window, { target: "t", swap: "outer", html: '\n<p id="t" class="x">new</p>\n' }, showing(() => true));
  assert.equal(window.document.getElementById("t"), element);
  assert.equal(element.outerHTML, '<p id="t" class="x">new</p>');
});

test("replace keeps what the viewer has typed", () => {
  const { window } = new JSDOM('<div id="t"><input id="i" value="old"><b>1</b></div>');
  Object.assign(globalThis, { document: window.document, Element: window.Element, Node: window.Node, Document: window.Document });
  window.document.getElementById("i").value = "typed";
  push(window, { target: "t", swap: "replace", html: '<input id="i" value="new"><b>2</b>' }, showing(() => true));
  assert.equal(window.document.getElementById("i").value, "typed");
  assert.equal(window.document.getElementById("t").textContent, "2");
});

test("rows of a table, several nodes, and nothing", () => {
  const table = '<table><tbody id="t"></tbody></table>';
  assert.equal(pushed(table, { target: "t", swap: "append", html: "<tr><td>1</td></tr><tr><td>2</td></tr>" }), '<table><tbody id="t"><tr><td>1</td></tr><tr><td>2</td></tr></tbody></table>');
  assert.equal(pushed('<p id="t">a</p>', { target: "t", swap: "replace", html: "" }), '<p id="t"></p>');
});

test("an element that is in the page already is not there twice", () => {
  assert.equal(pushed(LIST, { target: "t", swap: "append", html: '<li id="a">new</li><li id="b">b</li>' }), '<ul id="t"><li id="a">new</li><li id="b">b</li></ul>');
});

test("scripts are taken out", () => {
  assert.equal(pushed('<p id="t"></p>', { target: "t", swap: "append", html: "<b>x</b><script>y</script><p><script src=y></script></p>" }), '<p id="t"><b>x</b><p></p></p>');
});

test("a page without the target, and one that prevents it, stay as they are", () => {
  assert.equal(pushed(LIST, { target: "u", swap: "remove", html: "" }), LIST);
  assert.equal(pushed(LIST, { target: "t", swap: "remove", html: "" }, () => false), LIST);
});

test("a publication of a browser changes nothing", () => {
  const { window } = new JSDOM(LIST);
  const handlers = {};
  const rt = { state: "connecting", on: (event, handler) => ((handlers[event] = handler), rt), subscribe() {} };
  start(rt, window);
  const data = { target: "t", swap: "remove", html: "" };
  handlers[EVENT](data, { channel: "room:7", from: "7" });
  assert.ok(window.document.getElementById("t"));
  handlers[EVENT](data, { channel: "room:7" });
  assert.equal(window.document.getElementById("t"), null);
});

test("markup is parsed as the page's policy of Trusted Types wants it", () => {
  const { window } = new JSDOM('<b id="t"></b>');
  const { document, Element, Node, Document } = window;
  Object.assign(globalThis, { document, Element, Node, Document });
  const names = [];
  window.trustedTypes = {
    createPolicy: (name, rules) => {
      names.push(name);
      return { createHTML: (text) => ({ trusted: rules.createHTML(text) }) };
    }
  };
  const { DOMParser } = window;
  window.DOMParser = class {
    parseFromString(html, type) {
      assert.equal(typeof html, "object", "a text is refused");
      return new DOMParser().parseFromString(html.trusted, type);
    }
  };
  push(window, { target: "t", swap: "append", html: "<i>x</i>" }, showing(() => true));
  assert.equal(document.body.innerHTML, '<b id="t"><i>x</i></b>');
  assert.deepEqual(names, ["sockgate"]);
});

test("an id that content of a user has taken from another element is no target, and removes nothing", () => {
  const page = '<p><b id="bell">theirs</b></p><b id="bell">0</b><ul id="t"></ul>';
  assert.equal(pushed(page, { target: "bell", swap: "replace", html: "3" }), page);
  assert.equal(pushed(page, { target: "bell", swap: "remove", html: "" }), page);
});

test("a row that the page has already moves, with what was typed in it and the focus", () => {
  const { window } = new JSDOM('<ul id="t"><li id="a">a <input id="i"></li><li id="b">b</li></ul><p id="c">not of this kind</p>');
  const { document, Element, Node, Document } = window;
  Object.assign(globalThis, { document, Element, Node, Document });
  const row = document.getElementById("a");
  document.getElementById("i").value = "typed";
  document.getElementById("i").focus();
  push(window, { target: "t", swap: "append", html: '<li id="a">new <input id="i"></li><li id="c">c</li>' }, showing(() => true));
  assert.deepEqual([...document.getElementById("t").children].map(({ id }) => id), ["b", "a", "c"]);
  assert.equal(document.getElementById("a"), row);
  assert.equal(document.querySelectorAll("#c").length, 1);
  assert.deepEqual([row.textContent, document.getElementById("i").value], ["new ", "typed"]);
});

const row = (id, text) => `<li id="${id}">${text}<form action="/pay/${id}/"><input name="qty" value="1"></form></li>`;

test("what is pushed into a fragment is the server's: a refresh that lacks it removes it, if nobody has typed there", async () => {
  const page = new Page(fragment(ORDERS, `<ul id="rows">${row("r1", "one")}</ul>`)).start();
  const send = (id, swap, html) => page.rt.emit(EVENT, { target: id, swap, html }, { channel: "orders" });
  send("rows", "append", row("r2", "two") + row("r3", "three") + row("r4", "four"));
  send("r3", "outer", row("r3", "three and"));
  send("r1", "replace", '<input name="other">');
  page.$("#r2 input").value = "typed";
  for (const text of ["one", "new"]) {
    page.fresh = fragment(ORDERS, `<ul id="rows">${row("r1", text)}</ul>`);
    await page.refreshed();
    assert.deepEqual([page.$("#r1").textContent, !!page.$("#r2"), page.$("#r3"), page.$("#r4"), page.$("[name=other]")], [text, true, null, null, null]);
  }
});

test("a push into a fragment keeps a refused form with its errors", async () => {
  const form = (value, errors) => `<div id="box"><b>${value}</b><form action="/pay/">${errors}<input name="title" value="${value}"></form></div>`;
  for (const swap of ["replace", "outer"]) {
    const page = new Page(fragment(ORDERS, form("typed", '<ul class="errorlist"></ul>'), "a", { url: undefined })).start();
    const html = form("bob", "");
    page.rt.emit(EVENT, { target: "box", swap, html: swap === "outer" ? html : html.replace(/^<div.*?>|<.div>$/g, "") }, { channel: "orders" });
    assert.deepEqual([page.$("b").textContent, page.$("input").value, !!page.$(".errorlist")], ["bob", "typed", true], swap);
  }
});

test("a page that does not load what shows pushes says so, once", () => {
  const page = new Page(`<b id="bell">0</b>${fragment(ORDERS)}`);
  startWithoutPush(page.rt, page.window);
  for (let number = 0; number < 2; number++) page.push("bell", "replace", "3");
  assert.equal(page.$("#bell").textContent, "0");
  assert.deepEqual(page.said, ["sockgate: publish_html needs live=True."]);
});
