/** Orders come from Django's data blocks alone. tests/browser/test_content.py has the attacks in Chromium. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { dataOf, orderOf, ordersOf } from "../../src/base/orders.js";

const pageOf = (html) => new JSDOM(html, { url: "https://site.test/" }).window;
const block = (data, more = "", kind = "client") => `<script type="application/json" data-sockgate="${kind}"${more}>${JSON.stringify(data)}</script>`;

test("no other element is a block", () => {
  const page = pageOf(`
    <a id="sockgate-config" data-sockgate="client">{"url": "//evil"}</a>
    <div data-sockgate="client" type="application/json">{"url": "//evil"}</div>
    <template data-sockgate="client">{"url": "//evil"}</template>
    <svg><a data-sockgate="client">{"url": "//evil"}</a></svg>`);
  assert.equal(orderOf(page, "client"), undefined);
});

test("Django's block counts, wherever it is in the page", () => {
  const evil = '<p id="sockgate-config" data-sockgate="client">{"url": "//evil"}</p>';
  for (const html of [evil + block({ url: "/ours" }), block({ url: "/ours" }) + evil]) {
    assert.deepEqual(orderOf(pageOf(html), "client"), { url: "/ours" });
  }
});

test("of several blocks the last one counts", () => {
  assert.deepEqual(orderOf(pageOf(block({ n: 1 }) + block({ n: 2 }) + block({ n: 3 }, "", "guard")), "client"), { n: 2 });
});

test("a block with the page's nonce comes before blocks without, from wherever", () => {
  const ours = '<script nonce="abc"></script>' + block({ n: 1 }, ' nonce="abc"');
  assert.deepEqual(orderOf(pageOf(block({ n: 0 }) + ours + block({ n: 2 }) + block({ n: 3 }, ' nonce="guessed"')), "client"), { n: 1 });
});

test("a block that is cut off gives nothing", () => {
  const page = pageOf('<script type="application/json" data-sockgate="client">{"url": </script>');
  assert.equal(orderOf(page, "client"), undefined);
  assert.deepEqual(ordersOf(page, "client"), []);
});

test("all blocks of a kind are in the order of the document, also of a document that was parsed", () => {
  const page = pageOf("");
  const parsed = new page.DOMParser().parseFromString(block({ n: 1 }, "", "live") + block({ n: 2 }, "", "live"), "text/html");
  assert.deepEqual(ordersOf(page, "live", parsed).map(({ data }) => data.n), [1, 2]);
});

test("an element's own block is one of its kind", () => {
  const page = pageOf(block({ id: "a" }, "", "bar") + '<p data-sockgate="bar">{"id": "b"}</p>');
  const { children } = page.document.head.children.length ? page.document.head : page.document.body;
  assert.deepEqual(dataOf(page, children[0], "bar"), { id: "a" });
  assert.equal(dataOf(page, page.document.querySelector("p"), "bar"), undefined);
  assert.equal(dataOf(page, null, "bar"), undefined);
});
