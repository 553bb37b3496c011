import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import ParsedUrl from "../../../src/transports/sockjs/url.js";

/** An anchor of a page at http://shop.example/cart/list. */
class Anchor {
  set href(url) {
    this.url = new URL(url, "http://shop.example/cart/list");
    for (const part of ["protocol", "hostname", "port", "hash", "pathname", "search"]) {
      this[part] = this.url[part];
    }
  }
  get href() {
    return this.url.href;
  }
}

beforeEach(() => {
  globalThis.document = { createElement: () => new Anchor() };
  globalThis.self = { document: globalThis.document };
});

for (const [given, href, host] of [
  ["/realtime", "http://shop.example/realtime", "shop.example"],
  ["push", "http://shop.example/cart/push", "shop.example"],
  ["https://rt.example:8443/a?b#c", "https://rt.example:8443/a?b#c", "rt.example:8443"],
  ["//rt.example:80/a", "http://rt.example/a", "rt.example"],
]) {
  test(`the absolute form of ${given} is ${href}`, () => {
    const url = new ParsedUrl(given);
    assert.deepEqual([url.href, url.host], [href, host]);
  });
}

test("the path can be replaced", () => {
  const url = new ParsedUrl("/realtime//");
  url.set("pathname", "/realtime");
  assert.equal(url.href, "http://shop.example/realtime");
});

test("what IE reports in another form is the same: the default port, a path without a slash", () => {
  globalThis.document.createElement = () => ({
    protocol: "https:", hostname: "rt.example", port: "443", hash: "", pathname: "realtime", search: "",
  });
  const url = new ParsedUrl("https://rt.example/realtime");
  assert.deepEqual([url.port, url.href], ["", "https://rt.example/realtime"]);
});
