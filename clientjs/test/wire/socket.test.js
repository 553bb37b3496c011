import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Socket } from "../../src/wire/socket.js";
import { FakeSockJS } from "../fakes/sockjs.js";

let calls, sockjs, socket;

beforeEach(() => {
  calls = [];
  sockjs = new FakeSockJS("/realtime");
  socket = new Socket(sockjs, {
    opened: () => calls.push("opened"),
    received: (text) => calls.push(["received", text]),
    lost: (close) => calls.push(["lost", close]),
  });
});

test("the events of SockJS are passed on", () => {
  sockjs.accept("xhr-streaming");
  sockjs.deliver("text");
  sockjs.beat();
  sockjs.end(3001, "server is restarting");
  assert.deepEqual(calls, [
    "opened",
    ["received", "text"],
    ["received", null],
    ["lost", { code: 3001, reason: "server is restarting" }],
  ]);
  assert.equal(socket.transport(), "xhr-streaming");
});

test("a close without a reason has an empty reason", () => {
  sockjs.end(1006, undefined);
  assert.deepEqual(calls, [["lost", { code: 1006, reason: "" }]]);
});

test("over HTTP a frame has the secret of its session", () => {
  sockjs.secret = "the-secret-of-the-session";
  sockjs.accept("xhr-polling");
  socket.send('{"type":"ping"}');
  assert.deepEqual(sockjs.sent, [{ type: "ping", secret: "the-secret-of-the-session" }]);
});

test("a WebSocket needs no secret, nor does a session without one", () => {
  sockjs.accept("xhr-polling");
  socket.send('{"type":"ping"}');
  sockjs.secret = "the-secret-of-the-session";
  sockjs.accept("websocket");
  socket.send('{"type":"ping"}');
  assert.deepEqual(sockjs.sent, [{ type: "ping" }, { type: "ping" }]);
});

test("after close, the listener is not called", () => {
  socket.close();
  assert.equal(sockjs.isClosed, true);
  sockjs.deliver("late");
  sockjs.end(1000);
  assert.deepEqual(calls, []);
});
