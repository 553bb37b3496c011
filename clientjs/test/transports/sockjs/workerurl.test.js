/** SockJS's URLs in a SharedWorker, which has no document: a gateway that is away must not end its tabs. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import ParsedUrl from "../../../src/transports/sockjs/url.js";

const { self: former } = globalThis;
before(() => (globalThis.self = { location: { href: "https://www.example.com/static/worker.js" } }));
after(() => (globalThis.self = former));

test("a URL is parsed by the worker itself", () => {
  assert.equal(typeof document, "undefined");
  for (const [url, host, pathname] of [
    ["https://push.example.com:8001/realtime", "push.example.com:8001", "/realtime"],
    ["https://push.example.com:443/realtime", "push.example.com", "/realtime"],
    ["/realtime", "www.example.com", "/realtime"],
  ]) {
    const parsed = new ParsedUrl(url);
    assert.deepEqual([parsed.protocol, parsed.host, parsed.pathname], ["https:", host, pathname]);
    parsed.set("pathname", "/realtime/info");
    assert.equal(parsed.href, `https://${host}/realtime/info`);
  }
});
