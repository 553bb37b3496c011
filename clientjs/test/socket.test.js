import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Socket } from "../src/socket.js";
import { FakeSockJS } from "./fakes/sockjs.js";

let calls, sockjs, socket;

beforeEach(() => {
  calls = [];
  sockjs = new FakeSockJS("/realtime");
  socket = new Socket(sockjs, {
    opened: () => calls.push("opened"),
    heard: (text) => calls.push(["heard", text]),
    lost: (close) => calls.push(["lost", close]),
  });
});

test("what SockJS says is passed on", () => {
  sockjs.accept("xhr-streaming");
  sockjs.deliver("text");
  sockjs.beat();
  sockjs.end(3001, "server is restarting");
  assert.deepEqual(calls, [
    "opened",
    ["heard", "text"],
    ["heard", null],
    ["lost", { code: 3001, reason: "server is restarting" }],
  ]);
  assert.equal(socket.transport(), "xhr-streaming");
});

test("a close without a reason has an empty one", () => {
  sockjs.end(1006, undefined);
  assert.deepEqual(calls, [["lost", { code: 1006, reason: "" }]]);
});

test("once closed, nothing is heard", () => {
  socket.close();
  assert.equal(sockjs.isClosed, true);
  sockjs.deliver("late");
  sockjs.end(1000);
  assert.deepEqual(calls, []);
});
