/** What a person typed belongs to the object that it was typed for, whatever a refresh or a push brings. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fragment, ORDERS, Page } from "./fakes/livesite.js";

/** Parts that say in their own way which object they are about. */
const PARTS = {
  "a hidden key": (pk, value) => `<form id="f" action="/save/"><input type="hidden" name="pk" value="${pk}"><textarea name="t" id="t">${value}</textarea></form>`,
  "an action": (pk, value) => `<form id="f" action="/save/${pk}/"><textarea name="t" id="t">${value}</textarea></form>`,
  "htmx's address": (pk, value) => `<form id="f" hx-post="/save/${pk}/"><textarea name="t" id="t">${value}</textarea></form>`,
  "htmx's values": (pk, value) => `<form id="f" hx-post="/save/" hx-vals='{"pk": ${pk}}'><textarea name="t" id="t">${value}</textarea></form>`,
  "the field's own address": (pk, value) => `<p><textarea name="t" id="t" hx-put="/save/${pk}/">${value}</textarea></p>`,
  "a row around a field": (pk, value) => `<ul><li id="row" data-pk="${pk}"><textarea name="t" id="t">${value}</textarea></li></ul>`,
};
const about = (field) => `${field.form?.elements.pk?.value} ${["action", "hx-post", "hx-vals", "hx-put", "data-pk"].map((name) => field.closest(`[${name}]`)?.getAttribute(name))}`;

/** How another object may come, in a fragment or outside of it. */
const WAYS = {
  refresh: async (page, html) => {
    page.fresh = fragment(ORDERS, `<div id="box">${html}</div>`);
    await page.refreshed();
  },
  replace: (page, html) => page.push("box", "replace", html),
  outer: (page, html) => page.push("box", "outer", `<div id="box">${html}</div>`),
  "outer of the part itself": (page, html) => page.push(page.$("#box").firstElementChild.id, "outer", html),
  "outer with another id": (page, html) => page.push("box", "outer", `<div id="other">${html}</div>`),
  append: (page, html) => page.push("box", "append", html),
  before: (page, html) => page.push("box", "before", html),
  remove: (page) => page.push("box", "remove", ""),
};

for (const [kind, part] of Object.entries(PARTS)) {
  for (const [way, bring] of Object.entries(WAYS)) {
    for (const place of ["in a fragment", "outside"]) {
      if ((way === "refresh" && place === "outside") || (way === "outer of the part itself" && !/^<form/.test(part(1, "")))) continue;
      test(`what is typed for an object with ${kind} never stands beside another one: ${way}, ${place}`, async () => {
        const box = `<div id="box">${part(1, "one")}</div>`;
        const page = new Page(place === "outside" ? box + fragment(ORDERS) : fragment(ORDERS, box)).start();
        const field = page.$("textarea");
        const of = about(field);
        field.value = "typed";
        await bring(page, part(2, "two"));
        await bring(page, part(3, "three"));
        const shown = [...page.window.document.querySelectorAll("textarea")].filter((one) => one.value === "typed");
        assert.deepEqual(shown.map(about), [of]);
        assert.deepEqual(shown, [field]);
      });
    }
  }
}

test("a form that is about the same object follows around what is typed", async () => {
  for (const place of ["in a fragment", "outside"]) {
    const box = (text) => `<div id="box"><form id="f" action="/save/"><b>${text}</b><input type="hidden" name="pk" value="1"><input name="t"><input name="u" value="${text}"></form></div>`;
    const page = new Page(place === "outside" ? box("old") + fragment(ORDERS) : fragment(ORDERS, box("old"))).start();
    page.$("[name=t]").value = "typed";
    for (const text of ["new", "newer"]) {
      page.push("box", "outer", box(text));
      assert.deepEqual([page.$("b").textContent, page.$("[name=t]").value, page.$("[name=u]").value], [text, "typed", text]);
    }
  }
});

test("a version belongs to its own form: that of another one does not count", async () => {
  const form = (pk, version) => `<form id="f${pk}" action="/save/"><input type="hidden" name="pk" value="${pk}"><input type="hidden" name="version" value="${version}"><input name="t"></form>`;
  const page = new Page(fragment(ORDERS, form(1, 3) + form(2, 1)), fragment(ORDERS, form(1, 4) + form(2, 3))).start();
  page.$("#f1 [name=t]").value = "typed";
  await page.refreshed();
  assert.deepEqual(["#f1", "#f2"].map((id) => page.$(`${id} [name=version]`).value), ["3", "3"]);
});

test("ids that say a position move no text to another object", async () => {
  const rows = (...pks) => fragment(ORDERS, pks.map((pk, at) => `<form action="/save/"><b>${pk}</b><input type="hidden" name="pk" value="${pk}"><input name="t" id="t${at}"></form>`).join(""));
  const page = new Page(rows(1, 2, 3), rows(2, 1, 3)).start();
  const field = page.$("#t0");
  field.value = "typed";
  await page.refreshed();
  assert.deepEqual([field.value, field.isConnected, field.form.elements.pk.value], ["typed", true, "1"]);
});

test("a form around a fragment is about what its hidden fields in the fragment say", async () => {
  const form = (pk, text) => `<form action="/save/"><input name="before">${fragment(ORDERS, `<b>${text}</b><input type="hidden" name="pk" value="${pk}"><input name="t">`)}</form>`;
  for (const name of ["before", "t"]) {
    const page = new Page(form(1, "old")).start();
    page.$(`[name=${name}]`).value = "typed";
    page.fresh = form(1, "new");
    await page.refreshed();
    assert.deepEqual([page.$("b").textContent, page.$("[name=pk]").value, page.$(`[name=${name}]`).value], ["new", "1", "typed"]);
    page.fresh = form(2, "other");
    await page.refreshed();
    assert.deepEqual([page.$("b").textContent, page.$("[name=pk]").value, page.$(`[name=${name}]`).value], ["new", "1", "typed"]);
    page.$(`[name=${name}]`).value = "";
    await page.refreshed();
    assert.deepEqual([page.$("b").textContent, page.$("[name=pk]").value], ["other", "2"]);
  }
});

test("where a right has ended, what was typed for another object goes with it", async () => {
  const form = (pk) => `<form id="f" action="/save/"><input type="hidden" name="pk" value="${pk}"><input name="t"></form>`;
  const page = new Page(fragment(ORDERS, form(1)), fragment(ORDERS, form(2))).start();
  page.$("[name=t]").value = "typed";
  page.rt.end("orders", "revoked", { audience: 1 });
  await page.pass();
  assert.deepEqual([page.$("[name=pk]").value, page.$("[name=t]").value], ["2", ""]);
});

test("a push keeps hidden fields that a script has set, and errors that a person reads, in a fragment and outside", async () => {
  const form = (total, value, errors = "") => `<form id="f" action="/save/">${errors}<input type="hidden" name="total" value="${total}"><input name="t" value="${value}"></form>`;
  const ERRORS = '<ul class="errorlist"><li>Too long</li></ul>';
  for (const place of ["in a fragment", "outside"]) {
    for (const swap of ["replace", "outer"]) {
      const box = (inner) => `<div id="box">${inner}</div>`;
      const show = (inner, more) => new Page(place === "outside" ? box(inner) + fragment(ORDERS) : fragment(ORDERS, box(inner), "a", more));
      const bring = (page, inner) => page.push("box", swap, swap === "outer" ? box(inner) : inner);
      const set = show(form(1, "")).start();
      set.$("[name=total]").value = "2";
      bring(set, form(1, ""));
      bring(set, form(1, "new"));
      assert.deepEqual([set.$("[name=total]").value, set.$("[name=t]").value], ["2", "new"], `${place} ${swap}`);

      // The page answers a POST, or htmx has brought the answer to one.
      const page = show(form(1, "refused", ERRORS), { url: undefined });
      if (place === "outside") {
        page.window.document.body.insertAdjacentHTML("beforeend", '<script type="application/json" data-sockgate="client">{"posted": ""}</script>');
      }
      page.start();
      const swapped = show(form(1, "")).start();
      swapped.$("#box").innerHTML = form(1, "refused", ERRORS);
      for (const one of [page, swapped]) {
        for (const name of ["Element", "Node", "Document", "document"]) globalThis[name] = one.window[name];
        bring(one, form(1, "fresh"));
        bring(one, form(1, "fresher"));
        assert.deepEqual([one.$("[name=t]").value, !!one.$(".errorlist")], ["refused", true], `${place} ${swap}`);
      }
    }
  }
});

test("what a push removes or replaces goes where nothing is a person's", async () => {
  const page = new Page(`<div id="box"><input name="t" value="old"></div><p id="row">x</p>${fragment(ORDERS)}`).start();
  page.push("box", "outer", '<div id="other">new</div>');
  page.push("row", "remove", "");
  assert.deepEqual([page.$("#box"), page.$("#row"), page.$("#other").textContent], [null, null, "new"]);
});

test("an alert of a page that answers a POST stays, also in a fragment without fields, and one of a GET follows the server", async () => {
  const alert = '<p role="alert">Your card was declined</p>';
  for (const [url, stays] of [[undefined, true], ["/orders/", false]]) {
    const page = new Page(fragment(ORDERS, `<h1>old</h1>${alert}`, "a", { url }), fragment(ORDERS, "<h1>new</h1>")).start();
    await page.refreshed();
    await page.refreshed();
    assert.deepEqual([page.$("h1").textContent, !!page.$("[role=alert]")], ["new", stays]);
  }
});

test("a form that does not say what it is about stays in its row", async () => {
  const cards = (...ids) => fragment(ORDERS, `<ul>${ids.map((id) => `<li id="card-${id}">${id}<form><input name="comment"></form></li>`).join("")}</ul>`);
  const page = new Page(cards(1, 2), cards(1)).start();
  page.$("#card-2 input").value = "typed";
  await page.refreshed();
  assert.deepEqual(["#card-1", "#card-2"].map((card) => page.$(`${card} input`).value), ["", "typed"]);
});
