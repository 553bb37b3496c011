import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { explainer, violationText, watchPolicy } from "../../src/page/badge/hints.js";
import { explain } from "../../src/wire/closecodes.js";
import { connect } from "../../src/async/index.js";
import { unknownOptions, wrongOptions } from "../../src/core/options.js";

test("an unknown option is named, with the nearest one", () => {
  assert.deepEqual(unknownOptions({ tokenURL: "/t/", fallbackAfter: 1, colour: 2, url: "/" }), [
    'connect has no option "tokenURL", only "tokenUrl".',
    'connect has no option "fallbackAfter", only "fallbackAfterMs".',
    'connect has no option "colour".',
  ]);
});

test("every option of the types is known", () => {
  const types = readFileSync(new URL("../../src/sockgate.d.ts", import.meta.url), "utf8");
  const [body] = types.slice(types.indexOf("interface Options")).split("\n}");
  const names = [...body.matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, name]) => name);
  assert.ok(names.length > 15, names.join());
  assert.deepEqual(unknownOptions(Object.fromEntries(names.map((name) => [name, 1]))), []);
});

test("no options are no mistake", () => {
  for (const none of [undefined, null, {}]) assert.deepEqual([unknownOptions(none), wrongOptions(none)], [[], []]);
});

test("a value that cannot be used is one clear error of the modules, which never shows it", () => {
  const cases = [
    ["ws://rt.shop.example", /^options must be an object, such as connect\(\{ url:/], [[], /^options must be an object/],
    [{ url: "ws://rt.shop.example" }, /"url" must be a path, or an address that begins with "https:/], [{ url: "javascript:alert(1)" }, /"url"/], [{ url: 5 }, /"url"/],
    [{ tokenUrl: 5 }, /"tokenUrl" must be a string/], [{ getToken: "secret" }, /^connect: "getToken" must be a function\.$/], [{ getGrant: 5 }, /"getGrant" must be a function/], [{ log: {} }, /"log"/],
    [{ transports: "websockets" }, /"transports" must be names/], [{ transports: ["websocket", "foo"] }, /"transports"/], [{ transports: [] }, /"transports"/],
    [{ reconnect: { min: 1 } }, /"reconnect" must be an object with the numbers "minMs" and "maxMs"/], [{ reconnect: 5 }, /"reconnect"/], [{ reconnect: { minMs: -1 } }, /"reconnect"/], [{ reconnect: { maxMs: "1" } }, /"reconnect"/],
    [{ fallbackAfterMs: "x" }, /"fallbackAfterMs" must be a number/], [{ upgradeAfterMs: NaN }, /"upgradeAfterMs"/], [{ token: 5 }, /"token" must be a string/], [{ grants: "G" }, /"grants" must be an object/],
  ];
  for (const [options, message] of cases) assert.throws(() => connect(options), { name: "TypeError", message }, JSON.stringify(options));
});

test("values that can be used are accepted, and so is null", () => {
  const types = readFileSync(new URL("../../src/sockgate.d.ts", import.meta.url), "utf8");
  const [, union] = /export type Transport =([^;]*);/.exec(types);
  const transports = [...union.matchAll(/"([\w-]+)"/g)].map(([, name]) => name);
  assert.ok(transports.length > 9);
  const good = { url: "/realtime", getToken() {}, transports, reconnect: { minMs: 1 }, fallbackAfterMs: 0, tokenUrl: null, grants: {}, token: "t", expiresIn: 60 };
  assert.deepEqual(wrongOptions(good), []);
  for (const url of ["https://rt.example", "HTTP://h/x", "//h/x", "", "x/y"]) assert.deepEqual(wrongOptions({ url, transports: "websocket" }), []);
  assert.deepEqual(wrongOptions(Object.fromEntries(Object.keys(good).map((name) => [name, null]))), []);
});

function pageWithPolicy() {
  const warned = [];
  const page = { console: { warn: (text) => warned.push(text) }, addEventListener: (_, listener) => (page.violate = listener) };
  return { page, warned };
}

test("the directive that blocked something of ours is named, and another script's is not", () => {
  const { page, warned } = pageWithPolicy();
  const violation = watchPolicy(page);
  const base = { disposition: "enforce", sample: "", effectiveDirective: "connect-src", blockedURI: "wss://rt.shop.example" };
  page.violate({ ...base, sourceFile: "https://shop.example/static/other.js" });
  assert.equal(violation(), "");
  page.violate({ ...base, sourceFile: "https://shop.example/static/sockgate/sockgate.3f2a.js" });
  assert.match(violation(), /connect-src has blocked wss:\/\/rt.shop.example/);
  page.violate({ ...base, effectiveDirective: "trusted-types", blockedURI: "trusted-types-policy", sample: "sockgate", sourceFile: "" });
  assert.match(violation(), /trusted-types sockgate/);
  assert.equal(warned.length, 2);
  const text = explainer(page, explain, violation)({ code: 2000, reason: "" });
  assert.ok(text.startsWith(violation()), text);
});

test("a directive is named with what it needs", () => {
  assert.equal(
    violationText({ effectiveDirective: "script-src-elem", blockedURI: "https://a.example/sockjs.js" }),
    "Content-Security-Policy: script-src-elem has blocked https://a.example/sockjs.js. The page needs script-src-elem with https://a.example/sockjs.js.",
  );
});

test("the badge says what the small script leaves out, once in the console", () => {
  const { page, warned } = pageWithPolicy();
  const small = ({ code, reason }) => `${code} ${reason}. Run manage.py sockgate_doctor.`;
  const of = explainer(page, small, () => "");
  for (const _ of [1, 2]) {
    assert.match(of({ code: 4401, reason: "expired" }), /^Check the clocks\. 4401 expired\. Run manage\.py/);
  }
  assert.deepEqual(warned, ["sockgate: 4401: Check the clocks."]);
});
