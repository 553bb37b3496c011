import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { loadSockJS } from "../../src/transports/script.js";

let added, got, page;

beforeEach(() => {
  added = [];
  got = [];
  const head = { appendChild: (script) => added.push(script) };
  page = {
    document: {
      createElement: () => ({}),
      getElementsByTagName: (tag) => (tag === "head" ? [head] : []),
      querySelectorAll: (selector) => (selector === "script[nonce]" ? [{ nonce: "abc" }] : []),
    },
  };
});

const load = () => loadSockJS("/static/sockjs.js", page, (open) => got.push(open));
const open = () => undefined;

test("the script is loaded with the nonce of the page's scripts, and called back", () => {
  load();
  assert.deepEqual([added[0].src, added[0].nonce, got], ["/static/sockjs.js", "abc", []]);
  page.SockgateSockJS = open;
  added[0].onload();
  assert.deepEqual(got, [open]);
});

test("a script that fails calls back with null, and is loaded again next time", () => {
  load();
  added[0].onerror();
  load();
  assert.deepEqual([got, added.length], [[null], 2]);
});

test("a script that is there already is not loaded", () => {
  page.SockgateSockJS = open;
  load();
  assert.deepEqual([got, added], [[open], []]);
});

test("IE8 calls back once the script is complete, once", () => {
  load();
  for (const readyState of ["loading", "loaded", "complete"]) {
    page.SockgateSockJS = open;
    added[0].readyState = readyState;
    added[0].onreadystatechange?.();
  }
  assert.deepEqual(got, [open]);
});

test("where there is no document, there is no script", () => {
  page.document = {};
  load();
  assert.deepEqual(got, [null]);
});

test("a script that the page's policy refuses calls back with null", () => {
  page.document.createElement = () => ({ set src(url) { throw new TypeError("This document requires 'TrustedScriptURL' assignment."); } });
  load();
  assert.deepEqual([got, added], [[null], []]);
});

test("with Trusted Types the address is a trusted one", () => {
  Object.assign(page, { Symbol, trustedTypes: { createPolicy: () => ({ createScriptURL: (url) => ({ trusted: url }) }) } });
  load();
  assert.deepEqual(added[0].src, { trusted: "/static/sockjs.js" });
});
