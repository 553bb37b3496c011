import assert from "node:assert/strict";
import { test } from "node:test";

import { webSocketUrl } from "../../src/transports/raw.js";

const LOCATION = { protocol: "https:", host: "shop.example:8443", pathname: "/cart/list" };

for (const [url, expected] of [
  ["/realtime", "wss://shop.example:8443/realtime/websocket"],
  ["/realtime/", "wss://shop.example:8443/realtime/websocket"],
  ["push", "wss://shop.example:8443/cart/push/websocket"],
  ["//rt.example/realtime", "wss://rt.example/realtime/websocket"],
  ["http://rt.example/realtime", "ws://rt.example/realtime/websocket"],
  ["wss://rt.example/realtime", "wss://rt.example/realtime/websocket"],
]) {
  test(`the WebSocket of ${url} is ${expected}`, () => {
    assert.equal(webSocketUrl(url, LOCATION), expected);
  });
}
