import assert from "node:assert/strict";
import { test } from "node:test";

import { trustedHtml, trustedUrl } from "../../src/base/trusted.js";

/** A window whose policy may be made once, as without `'allow-duplicates'`. */
function strictPage(allowed = "sockgate") {
  const made = [];
  const createPolicy = (name, rules) => {
    if (name !== allowed || made.includes(name)) throw new TypeError(`Policy "${name}" disallowed.`);
    made.push(name);
    return { createHTML: (text) => ({ html: rules.createHTML(text) }), createScriptURL: (text) => ({ url: rules.createScriptURL(text) }) };
  };
  return { Symbol, trustedTypes: { createPolicy } };
}

test("a page with Trusted Types receives trusted values, of one policy", () => {
  const page = strictPage();
  assert.deepEqual(trustedUrl(page, "/a.js"), { url: "/a.js" });
  assert.deepEqual(trustedHtml(page, "<p>"), { html: "<p>" });
});

test("two scripts of a page share the policy, because a second one of the name is refused", async () => {
  const page = strictPage();
  const other = await import("../../src/base/trusted.js?other");
  trustedUrl(page, "/a.js");
  assert.deepEqual(other.trustedHtml(page, "<p>"), { html: "<p>" });
});

test("a page without Trusted Types receives texts", () => {
  for (const page of [{ Symbol }, { Symbol, trustedTypes: { id: "trustedTypes" } }, {}]) {
    assert.equal(trustedUrl(page, "/a.js"), "/a.js");
  }
});

test("where the policy is not allowed, values are texts, which the browser may refuse", () => {
  assert.equal(trustedUrl(strictPage("other"), "/a.js"), "/a.js");
});
