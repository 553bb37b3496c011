import assert from "node:assert/strict";
import { test } from "node:test";

import { pageOf } from "../../src/async/surroundings.js";
import { csrfHeaders } from "../../src/credentials/csrf.js";
import { Network } from "../../src/base/online.js";
import { readSettings } from "../../src/core/settings.js";

test("a page is used as it is", () => {
  const global = { document: {} };
  assert.equal(pageOf(global), global);
});

test("without a document, settings are defaults and requests have no CSRF token", () => {
  const page = pageOf({});
  const settings = readSettings({ token: "T" }, page);
  assert.deepEqual([settings.token, settings.url], ["T", "/realtime"]);
  assert.deepEqual(csrfHeaders("/token/", settings, page), {});
});

test("a worker shows the CSRF token that it was given, to its own origin only", () => {
  const page = pageOf({ location: { protocol: "https:", host: "shop.example" } });
  const settings = readSettings({ csrfToken: "C" }, page);
  const shown = (url) => csrfHeaders(url, settings, page)["X-CSRFToken"];
  assert.equal(shown("https://shop.example/token/"), "C");
  assert.equal(shown("https://other.example/token/"), undefined);
});

test("a worker goes offline and online, and Node.js is online", () => {
  const worker = Object.assign(new EventTarget(), { navigator: { onLine: false } });
  const network = new Network(pageOf(worker));
  const calls = [];
  const stop = network.watch((name) => calls.push(name));
  worker.dispatchEvent(new Event("offline"));
  worker.dispatchEvent(new Event("online"));
  stop();
  worker.dispatchEvent(new Event("offline"));
  assert.deepEqual([calls, network.isOnline()], [["offline", "online"], false]);
  const server = new Network(pageOf({}));
  server.watch(() => undefined)();
  assert.equal(server.isOnline(), true);
});
