import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { askDocument, documentOf, globalOf } from "../../src/page/globals.js";

const pageOf = (body) => new JSDOM(body, { url: "https://site.test/", runScripts: "outside-only" }).window;

test("an element is no global", () => {
  // Elements are properties of an object behind the window's own prototype; tests/browser has the real one.
  const page = Object.create({ SockgateBadge: { nodeType: 1 } });
  assert.equal(globalOf(page, "SockgateBadge"), undefined);
  page.SockgateBadge = () => "ours";
  assert.equal(globalOf(page, "SockgateBadge")(), "ours");
});

test("an element with a name does not hide a property of the document", () => {
  const page = pageOf('<img name="cookie"><form name="createElement"></form><img name="querySelectorAll">');
  Object.defineProperty(page.document, "cookie", { value: "an element" });
  Object.defineProperty(page.document, "createElement", { value: "an element" });
  assert.equal(documentOf(page, "cookie"), "");
  assert.equal(askDocument(page, "createElement", "p").localName, "p");
  assert.equal(documentOf(page, "baseURI"), "https://site.test/");
});

test("a page without prototypes has what its document has", () => {
  assert.equal(documentOf({ document: { cookie: "a=1" } }, "cookie"), "a=1");
});
