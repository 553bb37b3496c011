import assert from "node:assert/strict";
import { test } from "node:test";

import { cookie, csrfHeaders, isOwnOrigin, postWithToken } from "../../src/credentials/csrf.js";

const SETTINGS = { csrfCookieName: "csrftoken", csrfHeaderName: "X-CSRFToken" };
const LOCATION = { protocol: "https:", host: "shop.example" };

const page = ({ cookie = "", meta = [], input = [] }) => ({
  document: { cookie, location: LOCATION, getElementsByTagName: (tag) => ({ meta, input })[tag] || [], querySelector: () => input[0] || meta[0] },
});

const headersFor = (document, settings = {}, url = "/realtime/token/") =>
  csrfHeaders(url, { ...SETTINGS, ...settings }, document);

test("the cookie comes first, because login rotates it", () => {
  const document = page({ cookie: "a=1; csrftoken=fresh; b=2" });
  assert.deepEqual(headersFor(document, { csrfToken: "old" }), { "X-CSRFToken": "fresh" });
});

test("the configuration follows, and never a form or a meta tag, which may be a user's", () => {
  const input = [{ name: "csrfmiddlewaretoken", value: "of-form", getAttribute: () => "of-form" }];
  const meta = [{ name: "csrf-token", content: "of-meta", getAttribute: () => "of-meta" }];
  assert.deepEqual(headersFor(page({ meta, input }), { csrfToken: "of-config" }), { "X-CSRFToken": "of-config" });
  assert.deepEqual(headersFor(page({ meta, input })), {});
});

test("without a token there is no header", () => assert.deepEqual(headersFor(page({})), {}));

test("cookie and header have the site's names", () => {
  const settings = { csrfCookieName: "xsrf", csrfHeaderName: "X-XSRF" };
  assert.deepEqual(headersFor(page({ cookie: "xsrf=t" }), settings), { "X-XSRF": "t" });
});

test("another origin never learns the token", () => {
  const document = page({ cookie: "csrftoken=secret" });
  assert.deepEqual(headersFor(document, {}, "https://other.example/token/"), {});
});

function postOn(document) {
  const sent = [];
  const answers = [];
  const aborted = [];
  const send = (url, body, headers, answer) => {
    const number = sent.push({ token: headers["X-CSRFToken"], body, answer });
    return () => aborted.push(number);
  };
  const abort = postWithToken("/t/", "a=1", SETTINGS, document, send, (...args) =>
    answers.push(args),
  );
  return { sent, answers, aborted, abort };
}

test("a request that a login overtook is sent once more with the new token", () => {
  const document = page({ cookie: "csrftoken=before" });
  const { sent, answers, aborted, abort } = postOn(document);
  document.document.cookie = "csrftoken=after";
  sent[0].answer(403, "");
  assert.deepEqual(sent.map(({ token, body }) => [token, body]), [
    ["before", "a=1"],
    ["after", "a=1"],
  ]);
  assert.deepEqual(answers, []);
  abort();
  assert.deepEqual(aborted, [2]);
  document.document.cookie = "csrftoken=another";
  sent[1].answer(403, "no");
  assert.deepEqual(answers, [[403, "no"]]);
  assert.equal(sent.length, 2);
});

test("a refusal of the present token is final", () => {
  const { sent, answers } = postOn(page({ cookie: "csrftoken=same" }));
  sent[0].answer(403, "no");
  assert.deepEqual(answers, [[403, "no"]]);
  assert.equal(sent.length, 1);
});

test("another answer is passed on, whatever the token is now", () => {
  const document = page({ cookie: "csrftoken=before" });
  const { sent, answers } = postOn(document);
  document.document.cookie = "csrftoken=after";
  sent[0].answer(200, "yes");
  assert.deepEqual(answers, [[200, "yes"]]);
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

test("a cookie is matched by its whole name", () => {
  assert.equal(cookie("csrftoken", "xcsrftoken=no; csrftoken=yes"), "yes");
  assert.equal(cookie("csrftoken", "csrftokens=no"), "");
  assert.equal(cookie("csrftoken", "csrftoken=a%3Db"), "a=b");
  assert.equal(cookie("csrftoken", ""), "");
});

test("no cookie is read if scripts cannot read it", () => {
  assert.equal(cookie(null, "null=no"), "");
});
