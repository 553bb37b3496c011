/** What the response to a live page's own request means. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { sourceOf } from "../../../src/page/live/fetch.js";

class Site {
  requests = [];
  setTimeout = () => 1;
  clearTimeout = () => {};
  fetch = async (url, options) => {
    this.requests.push({ url, ...options });
    return this.respond(url, options);
  };
  source = sourceOf(this, "https://shop.example/orders/?page=2");

  answers(status, headers = {}, body = "<p>fresh</p>", more = {}) {
    const all = new Headers({ "Content-Type": "text/html; charset=utf-8", ...headers });
    this.respond = () => ({ status, ok: status >= 200 && status < 300, type: "basic", headers: all, text: async () => body, ...more });
    return this.source.fetch();
  }
}

test("an address is fetched with the browser's own cookie, past the browser's cache", async () => {
  const site = new Site();
  assert.deepEqual(await site.answers(200), { html: "<p>fresh</p>" });
  const [{ url, headers, cache, redirect }] = site.requests;
  assert.equal(url, "https://shop.example/orders/?page=2");
  assert.deepEqual({ ...headers }, { Accept: "text/html", "X-Sockgate-Live": "1" });
  assert.deepEqual([cache, redirect], ["no-cache", "manual"]);
});

test("401, 403, 404 and 410 mean that the viewer may not see the page, and a redirect says nothing about that", async () => {
  const site = new Site();
  for (const status of [401, 403, 404, 410]) assert.deepEqual(await site.answers(status), { isGone: true });
  assert.deepEqual(await site.answers(0, {}, "", { type: "opaqueredirect" }), { ms: 0, why: "a redirect" });
});

test("a site that fails is asked again, when it says", async () => {
  const site = new Site();
  const retry = (await site.answers(503, { "Retry-After": "7" })).ms;
  assert.equal(retry, 7000);
  assert.equal((await site.answers(429, { "Retry-After": "1e9" })).ms, 600000);
  assert.equal((await site.answers(500, { "Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT" })).ms, 0);
  site.respond = () => Promise.reject(new TypeError("Failed to fetch"));
  assert.deepEqual(await site.source.fetch(), { ms: 0, isBusy: false, why: "TypeError: Failed to fetch" });
});

test("a date in Retry-After counts from the site's own clock", async () => {
  const site = new Site();
  const dates = { Date: "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT" };
  assert.equal((await site.answers(503, dates)).ms, 30000);
});

test("a whole page that was not given is fetched as a whole again", async () => {
  const site = new Site();
  site.source.renew();
  await site.answers(503);
  await site.answers(200);
  await site.answers(200);
  assert.deepEqual(site.requests.map(({ cache }) => cache), ["reload", "reload", "no-cache"]);
});

test("what is no page changes nothing", async () => {
  const site = new Site();
  assert.deepEqual(await site.answers(200, { "Content-Type": "application/json" }), { why: "status 200" });
  assert.deepEqual(await site.answers(405), { why: "status 405" });
  assert.deepEqual(await site.answers(204, { "Content-Type": "" }), { why: "status 204" });
});
