import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { documentOf, findAll, globalOf, setOfDocument } from "../../src/base/globals.js";

const pageOf = (body) => new JSDOM(body, { url: "https://site.test/", runScripts: "outside-only" }).window;

test("an element is no global", () => {
  // Elements are properties of an object behind the window's own prototype; tests/browser has the real one.
  const page = Object.create({ SockgateSockJS: { nodeType: 1 } });
  assert.equal(globalOf(page, "SockgateSockJS"), undefined);
  page.SockgateSockJS = () => "ours";
  assert.equal(globalOf(page, "SockgateSockJS")(), "ours");
});

test("an element with a name does not hide a property of the document", () => {
  const page = pageOf("<p>one</p>");
  for (const name of ["cookie", "querySelectorAll", "baseURI", "title"]) {
    Object.defineProperty(page.document, name, { value: "an element" });
  }
  assert.equal(documentOf(page, "cookie"), "");
  assert.equal(findAll(page, "p").length, 1);
  assert.equal(documentOf(page, "baseURI"), "https://site.test/");
  setOfDocument(page, "title", "Covered");
  assert.equal(findAll(page, "title")[0].textContent, "Covered");
});

test("a page without prototypes has what its document has", () => {
  const page = { document: { cookie: "a=1" } };
  assert.equal(documentOf(page, "cookie"), "a=1");
  setOfDocument(page, "title", "Covered");
  assert.equal(page.document.title, "Covered");
});
