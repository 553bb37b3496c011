/** What a refresh does to what a person has typed, to content of users, and to parts that were rendered elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fragment, ORDERS, Page } from "./fakes/livesite.js";

const FORM = (value, errors = "", inner = "") =>
  `<h1>${value}</h1><form action="/orders/" method="post"><input type="hidden" name="csrfmiddlewaretoken" value="${Math.random()}">` +
  `${errors}<input name="title" id="id_title" value="${value}"><select name="kind" id="id_kind"><option>a<option>b</select>` +
  `<input type="checkbox" name="paid" id="id_paid">${inner}<button>Save</button></form>`;
const ERRORS = '<ul class="errorlist"><li>Too long</li></ul>';

/** A page that answers a POST: its fragment has no address. Without a token, Django has found no form of its own. */
const posted = (content, token = "") => fragment(ORDERS, content, "a", { url: undefined, token });

test("a form that the server has answered with errors stays with them, and what is around it is fresh", async () => {
  const page = new Page(posted(FORM("typed", ERRORS)), fragment(ORDERS, FORM("fresh"))).start();
  for (let number = 0; number < 3; number++) await page.refreshed();
  assert.deepEqual([page.$("#id_title").value, !!page.$(".errorlist"), page.$("h1").textContent], ["typed", true, "fresh"]);
  assert.deepEqual(page.fetches, ["/orders/", "/orders/", "/orders/"]);
});

for (const by of ["load", "htmx"]) {
  test(`in a page that answers a POST, only forms with Django's token are the viewer's: ${by}`, async () => {
    const user = '<ul class="errorlist"><li>spam</li></ul><p role="alert">spam <input name="x" value="spam"></p>' +
      '<form><input type="hidden" name="csrfmiddlewaretoken" value="forged"><input name="y" value="spam"></form>';
    const form = (value, token, errors, content) =>
      `<div><h2>${value}</h2><div>${content}</div>${errors}<form id="mine"><input type="hidden" name="csrfmiddlewaretoken" value="${token}">` +
      `<div>${errors}</div><textarea name="text">${value}</textarea><input name="form" value="${value}"></form><p><input name="beside" form="mine" value="${value}"></p></div>`;
    const before = posted(form("typed", "genuine", ERRORS, user), "genuine");
    const page = new Page(by === "load" ? before : fragment(ORDERS), fragment(ORDERS, form("fresh", "other", "", ""), "a", { token: "other" })).start();
    if (by === "htmx") {
      page.$("#a").outerHTML = before;
      page.live.scan();
    }
    await page.refreshed();
    await page.refreshed();
    const values = ["textarea", "[name=form]", "[name=beside]"].map((one) => page.$(one).value);
    assert.deepEqual([page.$("h2").textContent, ...values], ["fresh", "typed", "typed", "typed"]);
    assert.equal(page.window.document.querySelectorAll(".errorlist").length, 2);
    assert.deepEqual(["[role=alert]", "[name=x]", "[name=y]"].map((one) => page.$(one)), [null, null, null]);
    assert.doesNotMatch(page.text, /spam/);
  });
}

test("errors stay where the server shows the same as the refused form: nothing", async () => {
  const forms = {
    required: (errors) => `<form>${errors}<input name="title" value=""></form>`,
    password: (errors) => `<form><div>${errors}</div><input type="password" name="password"></form>`,
    button: (errors) => `<div>${errors}<form action="/delete/"><button>Delete</button></form></div>`,
  };
  for (const [name, form] of Object.entries(forms)) {
    const page = new Page(posted(`<b>old</b>${form(ERRORS)}`), fragment(ORDERS, `<b>fresh</b>${form("")}`)).start();
    await page.refreshed();
    await page.refreshed();
    assert.ok(page.$(".errorlist"), name);
    assert.equal(page.$("b").textContent, "fresh");
    assert.equal(page.window.document.querySelectorAll("form").length, 1, name);
  }
});

test("what is typed into any element with contenteditable stays until the server has it", async () => {
  const item = (text) => `<ul><li id="item" contenteditable="true">${text}</li></ul>`;
  const page = new Page(fragment(ORDERS, item("old")), fragment(ORDERS, item("new"))).start();
  const element = page.$("#item");
  element.textContent = "typed";
  // jsdom has no such property.
  element.isContentEditable = true;
  element.dispatchEvent(new page.window.Event("input", { bubbles: true }));
  await page.refreshed();
  assert.equal(page.$("#item").textContent, "typed");
  element.innerHTML = "<b>ty</b><br>ped&nbsp;<br>";
  for (const text of ["typed", "<b>ty</b><br>ped"]) {
    page.fresh = fragment(ORDERS, item(text));
    await page.refreshed();
    assert.match(page.$("#item").innerHTML, /^<b>ty<.b><br>ped/);
  }
  page.fresh = fragment(ORDERS, item("newer"));
  await page.refreshed();
  assert.equal(page.$("#item").textContent, "newer");
});

test("what was typed into a form never moves into one of another address, or of a user", async () => {
  const mine = (token) => `<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="${token}"><textarea name="text" id="id_text"></textarea></form>`;
  const theirs = '<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="forged"><textarea name="text" id="id_text"></textarea></form>';
  for (const around of [(html) => html, (html) => `<div>${html}</div>`]) {
    const page = new Page(fragment(ORDERS, `<li>nice ${mine("one")}</li>`, "a", { token: "one" })).start();
    page.$("textarea").value = "secret";
    page.fresh = fragment(ORDERS, `<li>nice ${around(theirs)}${mine("two")}</li>`, "a", { token: "two" });
    await page.refreshed();
    const [form] = [...page.window.document.querySelectorAll("form")].filter((one) => one.querySelector("textarea").value === "secret");
    assert.equal(form.firstChild.value, "two");
    assert.equal(page.window.document.querySelectorAll("form").length, 2);
  }
  const search = (action) => `<form action="${action}"><input name="q"></form>`;
  const page = new Page(fragment(ORDERS, search("/search/")), fragment(ORDERS, search("https://evil.example/") + search("/search/"))).start();
  page.$("input").value = "secret";
  await page.refreshed();
  assert.deepEqual(["https://evil.example/", "/search/"].map((action) => page.$(`[action="${action}"] input`).value), ["", "secret"]);
});

test("errors beside the form stay as long as it does", async () => {
  const page = new Page(posted(`${ERRORS}${FORM("typed")}`), fragment(ORDERS, FORM("fresh"))).start();
  await page.refreshed();
  assert.ok(page.$(".errorlist"));
  page.fresh = fragment(ORDERS, FORM("typed"));
  await page.refreshed();
  assert.equal(page.$(".errorlist"), null);
});

test("once the server has what the form shows, the form follows it again", async () => {
  const page = new Page(posted(FORM("typed", ERRORS)), fragment(ORDERS, FORM("old"))).start();
  await page.refreshed();
  page.fresh = fragment(ORDERS, FORM("typed"));
  await page.refreshed();
  assert.equal(page.$(".errorlist"), null);
  page.fresh = fragment(ORDERS, FORM("newer"));
  await page.refreshed();
  assert.equal(page.$("#id_title").value, "newer");
});

test("fields of a POST outside of a form stay, too", async () => {
  const rows = (value, errors) => `<table><tbody><tr><td>${errors}<input name="f-0-x" value="${value}"></td></tr></tbody></table>`;
  const page = new Page(posted(rows("typed", ERRORS)), fragment(ORDERS, rows("fresh", ""))).start();
  await page.refreshed();
  assert.deepEqual([page.$("input").value, !!page.$(".errorlist")], ["typed", true]);
});

test("a refused form around a fragment keeps the fields and errors in it", async () => {
  const form = (value, errors, more) => `<form action="/x/">${fragment(ORDERS, `<b>${value}</b>${errors}<input name="title" value="${value}">`, "a", more)}</form>`;
  const page = new Page(form("typed", ERRORS, { url: undefined }), form("fresh", "")).start();
  for (let number = 0; number < 2; number++) await page.refreshed();
  assert.deepEqual([page.$("input").value, !!page.$(".errorlist"), page.fetches.length], ["typed", true, 2]);
});

test("what a script has put in place of a part stays until the server has it, and the rest is fresh", async () => {
  const list = (text) => `<ul><li id="c1"><b>one ${text}</b></li><li id="c2"><b>two ${text}</b></li></ul>`;
  const page = new Page(fragment(ORDERS, list("old")), fragment(ORDERS, list("new"))).start();
  page.$("#c1").innerHTML = '<form><input name="title" value="sent and refused"><p>errors</p></form>';
  await page.refreshed();
  assert.equal(page.$("#c1 input").value, "sent and refused");
  assert.match(page.$("#c1").textContent, /^errors$/);
  assert.equal(page.$("#c2").textContent, "two new");
  page.$("#c1").innerHTML = "<b>saved</b>";
  await page.refreshed();
  assert.equal(page.$("#c1").textContent, "one new");
});

test("a fragment that a script has brought by a POST stays while its form has errors, and is bound to the address of the former", async () => {
  const page = new Page(fragment(ORDERS, "<p>card</p>"), fragment(ORDERS, "<p>fresh</p>")).start();
  const template = page.window.document.createElement("template");
  template.innerHTML = posted('<form><input name="title" value="typed"></form>');
  page.$("#a").replaceWith(template.content);
  page.live.scan();
  page.window.history.pushState(null, "", "/card/7/");
  await page.refreshed();
  assert.equal(page.$("input").value, "typed");
  assert.deepEqual(page.fetches, ["/orders/"]);
  page.$("#a").firstChild.remove();
  await page.refreshed();
  assert.equal(page.text, "fresh");
});

test("text that somebody types is not lost with the row or the fragment around it", async () => {
  const row = (id) => `<li id="${id}"><input name="text"></li>`;
  const page = new Page(fragment(ORDERS, `<ul>${row("r1")}${row("r2")}</ul>`), fragment(ORDERS, "<ul></ul>")).start();
  page.$("#r2 input").value = "typed";
  await page.refreshed();
  assert.deepEqual([page.$("#r1"), page.$("#r2 input").value], [null, "typed"]);
  page.status = 403;
  await page.refreshed();
  assert.equal(page.text, "");
  assert.equal(page.$("input"), null);
  page.status = 200;
  page.fresh = fragment(ORDERS, `<ul>${row("r2")}</ul>`);
  await page.refreshed();
  assert.equal(page.$("#r2 input").value, "typed");
  page.status = 403;
  await page.refreshed();
  Object.assign(page, { status: 200, fresh: fragment(ORDERS, "<ul></ul>") });
  await page.refreshed();
  assert.equal(page.$("#r2"), null);
});

test("a fragment is fetched from the address at which it was rendered, and another address never empties it", async () => {
  const page = new Page(fragment(ORDERS), fragment(ORDERS, "new")).start();
  page.window.history.pushState(null, "", "/other/");
  await page.refreshed();
  assert.deepEqual([page.fetches, page.text], [["/orders/"], "new"]);
  page.fresh = "<!doctype html><h1>Maintenance</h1>";
  await page.refreshed();
  page.fresh = fragment(ORDERS, "again");
  assert.equal(page.text, "new");
  await page.refreshed();
  assert.equal(page.text, "again");
});

test("an address cannot be that of another site", async () => {
  const page = new Page(fragment(ORDERS, "old", "a", { url: "//evil.example/x" })).start();
  const asked = [];
  page.window.fetch = async (url) => asked.push(url) && Promise.reject(new Error("offline"));
  await page.refreshed();
  assert.deepEqual(asked, ["https://shop.example//evil.example/x"]);
});

test("fragments of several addresses are fetched from each, and each is emptied by its own answer only", async () => {
  const inner = fragment({ parts: { grant: "P" } }, "part", "part", { url: "/part/" });
  const page = new Page(fragment(ORDERS, `list ${inner}`), { "https://shop.example/orders/": fragment(ORDERS, "fresh"), "https://shop.example/part/": inner }).start();
  await page.refreshed();
  assert.equal(page.text, "freshpart");
  await page.refreshed("parts");
  assert.deepEqual(page.fetches, ["/orders/", "/part/"]);
  page.status = 404;
  await page.refreshed("parts");
  assert.equal(page.text, "fresh");
});

test("a part of a page that begins with a row is read as one", async () => {
  const row = (text) => fragment(ORDERS, `<td>${text}</td>`, "r").replace("<div", "<tr").replace("</div>", "</tr>");
  const page = new Page(`<table><tbody>${row("old")}</tbody></table>`, row("new")).start();
  await page.refreshed();
  assert.equal(page.$("#r td").textContent, "new");
});

test("a page that was rendered for another user is loaded again, and shows nothing of this one", async () => {
  const of = (user, text) => fragment(ORDERS, text, "a", { user });
  const page = new Page(of("1", "of alice"), of("2", "of bob"));
  const reloads = [];
  page.window.performance.getEntriesByType = () => [{ type: "back_forward" }];
  page.window._virtualConsole?.removeAllListeners("jsdomError");
  page.window._virtualConsole?.on("jsdomError", (error) => reloads.push(error.message));
  page.start();
  await page.refreshed();
  assert.equal(page.text, "");
  assert.match(reloads.join(), /navigation/);
});

const HOSTILE = (text) =>
  `<p data-sockgate-live='{"spy":{"grant":null}}' data-sockgate-rate="0.001" data-sockgate-keep data-sockgate="keep" id="a" class="errorlist keep">${text}</p>` +
  '<script-x type="application/json" data-sockgate="live">{"channels":{"spy":{"grant":null}}}</script-x>';

test("content of users is no order: it follows nothing, slows nothing down, and goes when it is moderated", async () => {
  const page = new Page(HOSTILE("bad") + fragment(ORDERS, HOSTILE("bad")), fragment(ORDERS, HOSTILE("mild"))).start();
  assert.deepEqual(page.rt.now, [["orders", "G1"]]);
  await page.refreshed();
  assert.match(page.text, /^bad.*mild/);
  page.fresh = HOSTILE("forged") + fragment(ORDERS, "");
  await page.refreshed();
  assert.equal(page.$("[data-sockgate-rate]").textContent, "bad");
  assert.doesNotMatch(page.text, /mild|forged/);
  assert.deepEqual(page.rt.now, [["orders", "G1"]]);
});

test("what the template's author keeps is left alone, and what only attributes are kept of is changed", async () => {
  const keep = (names) => `<script type="application/json" data-sockgate="keep">${JSON.stringify(names)}</script>`;
  const map = (text) => `<div id="map" class="x">${text}${keep([])}</div>`;
  const panel = (text) => `<div id="panel" class="collapse" title="${text}">${text}${keep(["class"])}</div>`;
  const page = new Page(fragment(ORDERS, map("old") + panel("old")), fragment(ORDERS, map("new") + panel("new"))).start();
  page.$("#panel").className = "collapse show";
  page.$("#map").textContent = "drawn";
  await page.refreshed();
  await page.refreshed();
  assert.equal(page.$("#map").textContent, "drawn");
  assert.deepEqual([page.$("#panel").className, page.$("#panel").title], ["collapse show", "new"]);
});
