import assert from "node:assert/strict";
import { test } from "node:test";

import { cookie, csrfHeaders, isOwnOrigin } from "../src/csrf.js";

const SETTINGS = { csrfCookieName: "csrftoken", csrfHeaderName: "X-CSRFToken" };
const LOCATION = { protocol: "https:", host: "shop.example" };

const element = (attributes) => ({ getAttribute: (name) => attributes[name] ?? null });
const page = ({ cookie = "", meta = [], input = [] }) => ({
  cookie,
  location: LOCATION,
  getElementsByTagName: (tag) => ({ meta, input })[tag].map(element),
});

const headersFor = (document, settings = {}, url = "/realtime/token/") =>
  csrfHeaders(url, { ...SETTINGS, ...settings }, document);

test("the cookie goes first: login rotates it", () => {
  const document = page({ cookie: "a=1; csrftoken=fresh; b=2" });
  assert.deepEqual(headersFor(document, { csrfToken: "old" }), { "X-CSRFToken": "fresh" });
});

test("then the configuration, a meta tag, a form", () => {
  const input = [{ name: "q", value: "x" }, { name: "csrfmiddlewaretoken", value: "of-form" }];
  const meta = [{ content: "nameless" }, { name: "csrf-token", content: "of-meta" }];
  const header = (document, settings) => headersFor(document, settings)["X-CSRFToken"];
  assert.equal(header(page({ meta, input }), { csrfToken: "of-config" }), "of-config");
  assert.equal(header(page({ meta, input })), "of-meta");
  assert.equal(header(page({ input })), "of-form");
});

test("without a token there is no header", () => assert.deepEqual(headersFor(page({})), {}));

test("cookie and header have the names of the site", () => {
  const settings = { csrfCookieName: "xsrf", csrfHeaderName: "X-XSRF" };
  assert.deepEqual(headersFor(page({ cookie: "xsrf=t" }), settings), { "X-XSRF": "t" });
});

test("another origin never learns the token", () => {
  const document = page({ cookie: "csrftoken=secret" });
  assert.deepEqual(headersFor(document, {}, "https://other.example/token/"), {});
});

for (const url of ["/t/", "t/", "?t", "https://shop.example", "https://shop.example/t/"]) {
  test(`own origin: ${url}`, () => assert.equal(isOwnOrigin(url, LOCATION), true));
}

for (const url of [
  "//shop.example/t/",
  "\\\\evil.example/t/",
  "/\\evil.example/t/",
  "http://shop.example/t/",
  "https://shop.example.evil.example/t/",
  "https://shop.example@evil.example/t/",
  "https://shop.example:8443/t/",
  "javascript:1",
]) {
  test(`another origin: ${url}`, () => assert.equal(isOwnOrigin(url, LOCATION), false));
}

test("a cookie is found by its whole name", () => {
  assert.equal(cookie("csrftoken", "xcsrftoken=no; csrftoken=yes"), "yes");
  assert.equal(cookie("csrftoken", "csrftokens=no"), "");
  assert.equal(cookie("csrftoken", "csrftoken=a%3Db"), "a=b");
  assert.equal(cookie("csrftoken", ""), "");
});

test("where scripts cannot read the cookie, none is looked for", () => {
  assert.equal(cookie(null, "null=no"), "");
});
