/** Which element of the page is which one of the fresh page: position does not say what a person's text is about. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { morph } from "../../../src/page/live/morph.js";
import { fragment, ORDERS, Page } from "./fakes/livesite.js";

/** Rows of forms without an id, with Django's token, which is another one in each page. */
const KINDS = {
  action: (row, token) => `<tr><td>${row}</td><td><form action="/buy/${row}/" method="post">${token}<input name="qty"></form></td></tr>`,
  hidden: (row, token) => `<tr><td>${row}</td><td><form action="/buy/" method="post">${token}<input type="hidden" name="item" value="${row}"><input name="qty"></form></td></tr>`,
  ticked: (row) => `<tr><td>${row}</td><td><input type="checkbox" name="item" value="${row}"></td></tr>`,
  plain: (row) => `<tr><td>${row}</td><td><input name="qty"></td></tr>`,
};
let tokens = 0;
function table(kind, rows) {
  const token = `token${++tokens}`;
  const field = `<input type="hidden" name="csrfmiddlewaretoken" value="${token}">`;
  return fragment(ORDERS, `<h1>${rows}</h1><table><tbody>${rows.map((row) => KINDS[kind](row, field)).join("")}</tbody></table>`, "a", { token: kind in { action: 1, hidden: 1 } ? token : "" });
}

for (const kind of Object.keys(KINDS)) {
  test(`what is typed for one object is never sent for another, in rows without an id: ${kind}`, async () => {
    const page = new Page(table(kind, [1, 2, 3])).start();
    const fields = () => [...page.window.document.querySelectorAll("input:not([type=hidden])")];
    const [, field] = fields();
    field.type === "checkbox" ? field.click() : (field.value = "typed");
    for (const rows of [[9, 1, 2, 3], [9, 2, 3], [3, 2], [2], [5, 6, 7]]) {
      page.fresh = table(kind, rows);
      await page.refreshed();
      const own = fields().filter((one) => one.checked || one.value === "typed");
      assert.deepEqual(own, [field], `${rows}`);
      assert.equal(field.closest("tr").textContent, "2", `${rows}`);
      assert.equal(page.$("h1").textContent, `${rows}`);
      // The row stays where the fresh page lacks it.
      assert.deepEqual([...page.window.document.querySelectorAll("tr")].map((row) => row.textContent).sort(), [...new Set([...rows, 2])].map(String).sort());
    }
  });
}

test("a row with typed text follows, where the page has one such row only", async () => {
  const page = new Page(fragment(ORDERS, '<ul><li>1 left<input name="qty"></li></ul>'), fragment(ORDERS, '<ul><li>0 left<input name="qty"></li></ul>')).start();
  page.$("input").value = "typed";
  await page.refreshed();
  assert.deepEqual([page.text, page.$("input").value], ["0 left", "typed"]);
});

test("an element of a user with the id of a row, and with its fields, does not take what is typed there", async () => {
  const row = (id) => `<li id="row-${id}">row ${id} <input name="q" id="q${id}"></li>`;
  const page = new Page(fragment(ORDERS, `<ul>${row(1)}${row(2)}</ul>`), fragment(ORDERS, `<ul><li id="row-2">evil <input name="q" id="q2"></li>${row(1)}${row(2)}</ul>`)).start();
  page.$("#q2").value = "typed";
  await page.refreshed();
  assert.deepEqual([...page.window.document.querySelectorAll("li")].filter((one) => one.querySelector("input").value).map((one) => one.textContent), ["row 2 "]);
});

/** How much of the DOM is asked for, and compared, to change one part into another. */
function work(before, after) {
  const { window } = new JSDOM(`<div id="a">${before}</div>`);
  Object.assign(globalThis, { document: window.document, Element: window.Element, Node: window.Node, Document: window.Document });
  const fresh = new window.DOMParser().parseFromString(`<div id="a">${after}</div>`, "text/html").body.firstElementChild;
  let steps = 0;
  const restores = [];
  const count = (prototype, name, cost) => {
    const old = Object.getOwnPropertyDescriptor(prototype, name);
    const counted = (call) =>
      function (...given) {
        const found = call.apply(this, given);
        steps += cost(found);
        return found;
      };
    Object.defineProperty(prototype, name, old.value ? { ...old, value: counted(old.value) } : { ...old, get: counted(old.get) });
    restores.push(() => Object.defineProperty(prototype, name, old));
  };
  const { Element, Node, HTMLInputElement } = window;
  for (const name of ["parentNode", "nextSibling", "contains", "isEqualNode", "insertBefore"]) count(Node.prototype, name, () => 1);
  for (const name of ["nextElementSibling", "getAttribute"]) count(Element.prototype, name, () => 1);
  for (const prototype of [Element.prototype, window.Document.prototype]) count(prototype, "querySelectorAll", (found) => found.length);
  for (const name of ["checked", "name", "defaultChecked"]) count(HTMLInputElement.prototype, name, () => 1);
  morph(window.document.getElementById("a"), fresh);
  restores.forEach((restore) => restore());
  assert.ok(window.document.getElementById("a").isEqualNode(fresh));
  return steps;
}

const numbers = (count) => Array.from({ length: count }, (_, number) => number);
const INPUTS = {
  "nested ids in another order": (count) => [
    numbers(count).map((id) => `<div id="x${id}">`).join("") + "</div>".repeat(count),
    numbers(count).map((id) => `<div><span></span><div id="x${count - 1 - id}">`).join("") + "</div></div>".repeat(count),
  ],
  "radios of one name": (count) => Array(2).fill('<input type="radio" name="a">'.repeat(count)),
  "forms in other rows": (count) => ["", "x"].map((more) => numbers(count).map((id) => `<p>${more}${id}<form action="/${id}/"><input name="q"></form></p>`).join("")),
  "elements of another kind": (count) => ["<b>1</b>".repeat(count), "<i>2</i>".repeat(count) + "<b>3</b>"],
};

for (const [name, input] of Object.entries(INPUTS)) {
  test(`twice the content is twice the work: ${name}`, () => {
    const [one, two] = [80, 160].map((count) => work(...input(count)));
    assert.ok(two <= 2.5 * one, `${one}, ${two}`);
  });
}
