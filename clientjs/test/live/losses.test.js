/** What must not be lost by a refresh, and what must not stay. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { push } from "../../src/live/push.js";
import { fragment, ORDERS, Page } from "./fakes/livesite.js";

const FORMSET = (total, person, text) =>
  `<h1>${text}</h1><form action="/orders/"><input type="hidden" name="csrf" value="${text}"><input type="hidden" name="f-TOTAL_FORMS" id="total" value="${total}">` +
  `<input type="hidden" name="person" id="person" value="${person}"><div id="forms"><p><input name="f-0-title" value="one"></p></div></form>`;

test("hidden fields that a script has set stay until the server has taken them: the count of a formset, the key of a choice", async () => {
  const page = new Page(fragment(ORDERS, FORMSET(1, "", "old")), fragment(ORDERS, FORMSET(1, "", "new"))).start();
  page.$("#forms").insertAdjacentHTML("beforeend", '<p><input name="f-1-title"></p>');
  page.$("[name=f-1-title]").value = "typed";
  page.$("#total").value = "2";
  page.$("#person").value = "7";
  const shown = () => ["#total", "#person", "[name=csrf]"].map((name) => page.$(name).value);
  for (const text of ["new", "newer"]) {
    page.fresh = fragment(ORDERS, FORMSET(1, "", text));
    await page.refreshed();
    assert.equal(page.$("[name=f-1-title]").value, "typed");
    assert.deepEqual(shown(), ["2", "7", text]);
  }
  page.fresh = fragment(ORDERS, FORMSET(2, "7", "saved"));
  await page.refreshed();
  page.fresh = fragment(ORDERS, FORMSET(3, "8", "bob's"));
  await page.refreshed();
  assert.deepEqual(shown(), ["3", "8", "bob's"]);
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
  push(window, { target: "bell", swap: "replace", html: "3" }, (_, when) => said.push(when));
  assert.deepEqual([window.document.getElementById("bell").textContent, said], ["3", ["before", "after"]]);
});
