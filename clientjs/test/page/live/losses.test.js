/** What must not be lost by a refresh, and what must not stay. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { morph } from "../../../src/page/live/morph.js";
import { push } from "../../../src/page/html/push.js";
import { fragment, ORDERS, Page } from "./fakes/livesite.js";

const ERRORS = '<ul class="errorlist"><li>Too long</li></ul>';

/** A form with Django's token, which is another one in each page. */
const formset = (total, person, text) => fragment(ORDERS, FORMSET(total, person, text), "a", { token: text });
const FORMSET = (total, person, text) =>
  `<h1>${text}</h1><form action="/orders/"><input type="hidden" name="csrfmiddlewaretoken" value="${text}"><input type="hidden" name="f-TOTAL_FORMS" id="total" value="${total}">` +
  `<input type="hidden" name="person" id="person" value="${person}"><div id="forms"><p><input name="f-0-title" value="one"></p></div></form>`;

test("hidden fields that a script has set stay until the server has taken them: the count of a formset, the key of a choice", async () => {
  const page = new Page(formset(1, "", "old"), formset(1, "", "new")).start();
  page.$("#forms").insertAdjacentHTML("beforeend", '<p><input name="f-1-title"></p>');
  page.$("[name=f-1-title]").value = "typed";
  page.$("#total").value = "2";
  page.$("#person").value = "7";
  const shown = () => ["#total", "#person", "[name=csrfmiddlewaretoken]"].map((name) => page.$(name).value);
  for (const text of ["new", "newer"]) {
    page.fresh = formset(1, "", text);
    await page.refreshed();
    assert.equal(page.$("[name=f-1-title]").value, "typed");
    assert.deepEqual(shown(), ["2", "7", text]);
  }
  page.fresh = formset(2, "7", "saved");
  await page.refreshed();
  page.$("[name=f-1-title]").value = "";
  page.fresh = formset(3, "8", "bob's");
  await page.refreshed();
  assert.deepEqual(shown(), ["3", "8", "bob's"]);
});

const ROWS = (initial, ...rows) =>
  `<h1>${rows.join()}</h1><form><input type="hidden" name="f-INITIAL_FORMS" value="${initial}">` +
  `${rows.map((id, at) => `<p id="row-f-${at}"><input type="hidden" name="f-${at}-id" value="${id}"><input name="f-${at}-text" value="${id}"><input type="checkbox" name="f-${at}-DELETE"></p>`).join("")}</form>`;
const shownRows = (page) => [...page.window.document.querySelectorAll("p")].map((row) => [...row.querySelectorAll("input")].map((one) => (one.type === "checkbox" ? one.checked : one.value)));

test("what was typed into a formset is never about another object", async () => {
  const cases = {
    added: [[2, "1", "2", ""], (page) => (page.$("[name=f-2-text]").value = "typed"), [3, "1", "2", "ben", ""], ["", "typed", false]],
    ticked: [[3, "1", "2", "3"], (page) => page.$("[name=f-0-DELETE]").click(), [2, "2", "3"], ["1", "1", true]],
    typed: [[3, "1", "2", "3"], (page) => (page.$("[name=f-1-text]").value = "better"), [2, "2", "3"], ["2", "better", false]],
  };
  for (const [name, [before, type, after, expected]] of Object.entries(cases)) {
    const page = new Page(fragment(ORDERS, ROWS(...before)), fragment(ORDERS, ROWS(...after))).start();
    type(page);
    await page.refreshed();
    await page.refreshed();
    assert.equal(page.$("h1").textContent, after.slice(1).join());
    assert.ok(shownRows(page).some((row) => row.join() === expected.join()), name);
    assert.equal(shownRows(page).length, before.length - 1, name);
    // What is not theirs any more follows.
    page.window.document.querySelector("form").reset();
    await page.refreshed();
    assert.deepEqual(shownRows(page), after.slice(1).map((id) => [id, id, false]), name);
  }
});

test("hidden fields of a form that was held follow the server once it does", async () => {
  const form = (value, version, errors = "") => `<form><input type="hidden" name="version" value="${version}">${errors}<input name="title" value="${value}"></form>`;
  const page = new Page(fragment(ORDERS, form("typed", 1, ERRORS), "a", { url: undefined }), fragment(ORDERS, form("bob", 2))).start();
  await page.refreshed();
  assert.deepEqual([page.$("[name=version]").value, page.$("[name=title]").value], ["1", "typed"]);
  for (const [value, version] of [["typed", 3], ["carol", 4]]) {
    page.fresh = fragment(ORDERS, form(value, version));
    await page.refreshed();
  }
  assert.deepEqual([page.$("[name=version]").value, page.$("[name=title]").value], ["4", "carol"]);
});

test("a form may have fields with the names of an element's properties", async () => {
  const form = (text) => `<h1>${text}</h1><form><input name="attributes"><input name="children"><input name="localName"><input name="firstChild"></form>`;
  const page = new Page(fragment(ORDERS, form("old")), fragment(ORDERS, form("new"))).start();
  await page.refreshed();
  assert.equal(page.$("h1").textContent, "new");
});

test("a page of a login that has ended shows no row of it, also where somebody has typed", async () => {
  const row = '<li id="r1">secret <input name="text"></li>';
  const page = new Page(fragment(ORDERS, `<ul>${row}</ul>`, "a", { user: "1" }), fragment(ORDERS, "<ul></ul>")).start();
  page.$("input").value = "typed";
  page.rt.emit("state", "connected", {});
  page.rt.emit("state", "closed", { code: 4500 });
  await page.pass();
  assert.equal(page.text, "");
  assert.equal(page.$("input"), null);
});

test("an element with the id of a library does not stop what is pushed", () => {
  const { window } = new JSDOM('<a id="htmx">x</a><b id="bell">0</b>');
  for (const name of ["Element", "Node", "Document", "document"]) globalThis[name] = window[name];
  const said = [];
  push(window, { target: "bell", swap: "replace", html: "3" }, [(_, when) => said.push(when), (element, fresh) => void morph(element, fresh), () => [], () => {}, () => [], () => [], () => undefined]);
  assert.deepEqual([window.document.getElementById("bell").textContent, said], ["3", ["before", "after"]]);
});

const ROW = (id, text) => `<li id="${id}">${text} <input name="text"></li>`;
const END = { revoked: (page) => page.rt.end("orders", "revoked", { audience: 1 }), rights: (page) => page.rt.end("orders", "rights_changed", { audience: 1 }) };

for (const [name, end] of Object.entries(END)) {
  test(`a row that the viewer may not see any more goes with what was typed in it, and other text stays: ${name}`, async () => {
    const page = new Page(fragment(ORDERS, `<ul>${ROW("r1", "secret")}${ROW("r2", "old")}</ul>`), fragment(ORDERS, `<ul>${ROW("r2", "new")}</ul>`)).start();
    page.$("#r1 input").value = page.$("#r2 input").value = "typed";
    // In the place of the row, as by htmx.
    page.$("#r1").outerHTML = '<li id="r1">secret <form action="/edit/"><input name="title" value="typed"></form></li>';
    page.$("#r2").insertAdjacentHTML("beforeend", '<form action="/note/"><input name="note" value="typed, too"></form>');
    end(page);
    await page.pass();
    assert.equal(page.$("#r1"), null);
    assert.deepEqual([page.text, page.$("#r2 input").value, page.$("[name=note]").value], ["new", "typed", "typed, too"]);
  });
}

test("a form with errors that the viewer may not send any more goes, and one that they may keeps text and errors", async () => {
  const form = (id, value) => `<form id="${id}" action="/${id}/">secret of ${id}<ul class="errorlist"><li>Too long</li></ul><input name="title" value="${value}"></form>`;
  const page = new Page(fragment(ORDERS, form("one", "typed") + form("two", "typed"), "a", { url: undefined, token: "" }), fragment(ORDERS, form("two", "fresh"))).start();
  END.revoked(page);
  await page.pass();
  assert.deepEqual([page.$("#one"), page.$("#two input").value, !!page.$("#two .errorlist")], [null, "typed", true]);
});

test("fields whose values the browser itself has made count as unchanged", async () => {
  const fields = (value) => `<input type="range" id="range" ${value && 'value="70"'}><input type="color" id="color" ${value && 'value="#ff0000"'}><input type="file" id="file" ${value && 'value="x"'}>`;
  const page = new Page(fragment(ORDERS, fields("")), fragment(ORDERS, fields("new"))).start();
  await page.refreshed();
  assert.deepEqual([page.$("#range").value, page.$("#color").value], ["70", "#ff0000"]);
  page.$("#range").value = "30";
  await page.refreshed();
  assert.equal(page.$("#range").value, "30");
});

test("a hidden field that a script has set before the page is followed stays, and one of the server follows it", async () => {
  const page = new Page(formset(1, "", "old"), formset(1, "", "new"));
  page.$("#person").value = "7";
  page.start();
  await page.refreshed();
  await page.refreshed();
  assert.deepEqual(["#person", "#total", "[name=csrfmiddlewaretoken]"].map((one) => page.$(one).value), ["7", "1", "new"]);
});

test("a form that a script has put in the place of the server's own, with another mask of the CSRF token, stays alone", async () => {
  const csrf = (token) => `<input type="hidden" name="csrfmiddlewaretoken" value="${token}">`;
  const form = (token, more) => `<form action="/1/">${csrf(token)}${more}<button>Save</button></form>`;
  const card = (token, text, more) => `<b>${text}</b><form action="/1/">${csrf(token)}<button>Move on</button></form><details><summary>Edit</summary>${form(token, more)}</details>`;
  const title = (value) => `<input id="title" name="title" value="${value}">`;
  const page = new Page(
    fragment(ORDERS, card("one", "old", title("old")), "a", { token: "one" }),
    fragment(ORDERS, card("two", "new", title("old")), "a", { token: "two" }),
  ).start();
  page.$("details form").outerHTML = form("three", `<ul class="errorlist"><li>Too long</li></ul>${title("too long")}`);
  await page.refreshed();
  assert.deepEqual([page.$("b").textContent, page.$("details").children.length, page.$("#title").value, !!page.$(".errorlist")], ["new", 2, "too long", true]);
});
