import assert from "node:assert/strict";
import { test } from "node:test";

import { readSettings } from "../../src/core/settings.js";

/** A page with these blocks of Django. */
const page = (...configs) => {
  const blocks = configs.filter(Boolean).map((config) => ({ text: JSON.stringify(config), nonce: "" }));
  return { document: { querySelectorAll: (selector) => (selector.includes('[data-sockgate="client"]') ? blocks : []) } };
};

test("the defaults are those of a Django project", () => {
  assert.deepEqual(readSettings(undefined, page()), {
    url: "/realtime",
    tokenUrl: "/realtime/token/",
    grantUrl: "/realtime/grant/",
    transport: "auto",
    fallbackAfterMs: 1500,
    csrfCookieName: "csrftoken",
    csrfHeaderName: "X-CSRFToken",
    isUrlFixed: false,
    reconnect: { minMs: 500, maxMs: 30000 },
  });
});

test("the page's configuration overrides the defaults, options override both", () => {
  const config = { url: "https://rt.example/realtime", tokenUrl: "/t/", token: "T", expiresIn: 60 };
  const settings = readSettings({ tokenUrl: "/mine/" }, page(config));
  assert.equal(settings.url, config.url);
  assert.equal(settings.tokenUrl, "/mine/");
  assert.equal(settings.token, "T");
  assert.equal(settings.isUrlFixed, false);
});

test("a URL in the options is fixed", () => {
  assert.equal(readSettings({ url: "/here" }, page({ url: "/there" })).isUrlFixed, true);
});

test("the page says whether it must log in, and options override that", () => {
  const config = page({ loginRequired: true });
  assert.equal(readSettings({}, config).loginRequired, true);
  assert.equal(readSettings({ loginRequired: false }, config).loginRequired, false);
});

test("the token endpoint can be disabled", () => {
  assert.equal(readSettings({ tokenUrl: null }, page()).tokenUrl, null);
});

for (const [tokenUrl, grantUrl] of [
  ["/rt/token/", "/rt/grant/"],
  ["/rt/token", "/rt/grant/"],
  ["https://shop.example/rt/token/", "https://shop.example/rt/grant/"],
  [null, null],
]) {
  test(`the default grantUrl is beside tokenUrl: ${tokenUrl}`, () => {
    assert.equal(readSettings({ tokenUrl }, page()).grantUrl, grantUrl);
  });
}

test("grantUrl can be set or disabled", () => {
  assert.equal(readSettings({}, page({ grantUrl: "/g/" })).grantUrl, "/g/");
  assert.equal(readSettings({ grantUrl: null }, page({ grantUrl: "/g/" })).grantUrl, null);
});

test("one limit of the back-off can be set alone", () => {
  const { reconnect } = readSettings({ reconnect: { maxMs: 5000 } }, page());
  assert.deepEqual(reconnect, { minMs: 500, maxMs: 5000 });
});

test("options are not changed, nor the next client's defaults", () => {
  const options = { reconnect: { minMs: 1 } };
  readSettings(options, page());
  assert.deepEqual(options, { reconnect: { minMs: 1 } });
  assert.equal(readSettings({}, page()).reconnect.minMs, 500);
});

test("an unknown transport option is an error", () => {
  assert.throws(() => readSettings({ transport: "polling" }, page()), /"auto", "websocket" or "sockjs"/);
});

test("an address in place of options is an error", () => {
  assert.throws(() => readSettings("wss://rt.example/realtime", page()), /options must be an object/);
});
