import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Client } from "../../src/core/client.js";
import { FakePage } from "../fakes/page.js";
import { VECTORS } from "../vectors.js";

let calls, page, rt;

beforeEach(() => {
  calls = [];
  page = new FakePage();
  rt = new Client(page.parts);
});

const record = (name) => (first, second) => calls.push([name, first, second]);
const run = () => page.clock.advance(0);

function publish(data, more = {}) {
  page.socket.deliver({ channel: "user:7", data, ...more });
}

function settle() {
  run();
  page.welcome();
}

test("the client connects after the page's script has added its handlers", () => {
  assert.equal(page.sockets.length, 0);
  rt.onstate = record("onstate");
  rt.on("state", record("state"));
  run();
  assert.deepEqual(calls, [["onstate", "connecting", {}], ["state", "connecting", {}]]);
});

test("rtt is the round trip of the connect until there is another", () => {
  assert.equal(rt.rtt, null);
  run();
  page.socket.accept();
  page.clock.advance(80);
  page.welcome();
  assert.equal(rt.rtt, 80);
});

test("an event calls its handlers with the data and the message", () => {
  settle();
  assert.equal(rt.on("news", record("news")), rt);
  publish({ event: "news", data: { title: "Djangocon 2012" } }, { offset: 3 });
  const data = { title: "Djangocon 2012" };
  assert.deepEqual(calls, [["news", data, { event: "news", data, channel: "user:7", offset: 3 }]]);
});

test('a payload without an event is delivered as "message"', () => {
  settle();
  rt.on("message", record("message"));
  publish("hello");
  assert.deepEqual(calls[0].slice(0, 2), ["message", "hello"]);
});

test('"*" receives every message', () => {
  settle();
  rt.on("*", record("*"));
  publish({ event: "news", data: 1 });
  publish(2);
  assert.deepEqual(calls.map(([, data, { event }]) => [data, event]), [[1, "news"], [2, "message"]]);
});

test("off removes handlers", () => {
  settle();
  const handler = record("one");
  rt.on("news", handler).on("news", record("two")).off("news", handler);
  publish({ event: "news", data: 1 });
  assert.deepEqual(calls.map(([name]) => name), ["two"]);
  rt.off("news");
  publish({ event: "news", data: 1 });
  assert.equal(calls.length, 1);
});

for (const event of VECTORS.reserved_events) {
  test(`a publication with the reserved event "${event}" arrives as "message"`, () => {
    settle();
    rt.on(event, record(event)).on("message", record("message"));
    publish({ event, data: "connected" });
    const names = calls.map(([name]) => name);
    assert.deepEqual(names, event === "*" ? ["message", "*"] : ["message"]);
  });
}

test("a connected client has user, transport and connection", () => {
  assert.equal(rt.state, "connecting");
  settle();
  const { state, transport, user, connection } = rt;
  assert.deepEqual([state, transport, user, connection], ["connected", "websocket", "7", "c1"]);
});

test("a lost connection has no transport and no id, but keeps the user", () => {
  settle();
  page.socket.end(1006);
  const { state, transport, user, connection } = rt;
  assert.deepEqual([state, transport, user, connection], ["waiting", "", "7", ""]);
});

test("a refreshed frame changes the user", () => {
  settle();
  page.socket.deliver({ type: "refreshed", user: "8", expires: null });
  assert.equal(rt.user, "8");
});

test("gaps and errors emit their own events", () => {
  settle();
  rt.on("gap", record("gap")).on("error", record("error"));
  page.socket.deliver({ type: "gap", channel: "user:7" });
  page.socket.deliver({ type: "error", code: "not_supported", message: "no" });
  assert.deepEqual(calls.map((call) => call.slice(0, 2)), [["gap", "user:7"], ["error", "not_supported"]]);
});

test("a handler that throws affects neither the others nor the connection", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  rt.onstate = () => {
    throw new Error("mine");
  };
  settle();
  rt.on("news", rt.onstate).on("news", record("two"));
  publish({ event: "news", data: 1 });
  assert.deepEqual(calls.map(([name]) => name), ["two"]);
  assert.equal(rt.state, "connected");
  assert.throws(() => t.mock.timers.tick(1), /mine/);
});

test("what is no channel name is rejected", () => {
  assert.throws(() => rt.subscribe(7), TypeError);
  for (const name of ["", "room 7", "room:7\n", "r\u00f6om", "r".repeat(256)]) {
    for (const call of [() => rt.subscribe(name), () => rt.presence(name)]) {
      assert.throws(call, { name: "TypeError", message: /^channel ".*" is not/s });
    }
  }
});

test("a client that is closed before it has connected stays closed", () => {
  rt.close();
  page.clock.advance(1e9);
  assert.equal(rt.state, "closed");
  assert.equal(page.sockets.length, 0);
});

test("a client that the page has closed can connect again", () => {
  settle();
  rt.close();
  assert.equal(page.sockets[0].isClosed, true);
  rt.connect();
  settle();
  assert.equal(rt.state, "connected");
  assert.equal(page.sockets.length, 2);
});

test("connect on a live connection does nothing", () => {
  settle();
  rt.connect();
  run();
  assert.equal(page.sockets.length, 1);
});

test("online and offline events reach the connection", () => {
  settle();
  page.network.goOffline();
  assert.equal(rt.state, "offline");
  page.network.goOnline();
  assert.equal(rt.state, "connecting");
  page.network.watcher("wake");
});

test("a closed client has no listeners in the browser", () => {
  const { watchers } = page.network;
  settle();
  assert.equal(watchers.size, 1);
  rt.close();
  assert.equal(watchers.size, 0);
  settleAgain();
  assert.equal(watchers.size, 1);
  page.socket.end(4500);
  assert.equal(rt.state, "closed");
  assert.equal(watchers.size, 0);
});

test("a client that is closed before it has connected has no listeners either", () => {
  rt.close();
  assert.equal(page.network.watchers.size, 0);
});

test("a client whose handler connects again receives network events", () => {
  settle();
  rt.onstate = (state) => state === "closed" && rt.connect();
  rt.close();
  page.socket.end(4500);
  run();
  assert.equal(page.network.watchers.size, 1);
});

function settleAgain() {
  rt.connect();
  settle();
}

// The user.

test('a change of the user emits "user" with both users', () => {
  const changes = [];
  rt.on("user", (now, before) => changes.push([now, before, rt.user]));
  settle();
  rt.close();
  rt.connect();
  run();
  page.welcome({ user: "8" });
  assert.deepEqual(changes, [["8", "7", "8"]]);
});

test(`a visitor's login on a live connection emits "user"`, () => {
  const changes = [];
  rt.on("user", (now, before) => changes.push([now, before]));
  run();
  page.welcome({ user: null });
  page.socket.deliver({ type: "refreshed", user: "7" });
  page.socket.deliver({ type: "refreshed", user: "7" });
  assert.deepEqual(changes, [["7", null]]);
});

test('the first connection and a reconnect of the same user do not emit "user"', () => {
  const changes = [];
  rt.on("user", (now, before) => changes.push([now, before]));
  settle();
  page.socket.end(1006);
  page.clock.advance(30000);
  page.welcome();
  assert.equal(rt.state, "connected");
  assert.deepEqual(changes, []);
});

test("listen returns a function that removes the handler", () => {
  settle();
  const room = rt.subscribe("user:7");
  const undo = [rt.listen("news", record("rt")), room.listen("news", record("room"))];
  publish({ event: "news", data: 1 });
  undo.forEach((end) => end());
  publish({ event: "news", data: 2 });
  assert.deepEqual(calls.map(([name, data]) => [name, data]), [["rt", 1], ["room", 1]]);
});

test("without autoConnect, a client is closed until connect", () => {
  page = new FakePage();
  rt = new Client({ ...page.parts, autoConnect: false });
  page.clock.advance(1000);
  assert.deepEqual([rt.state, page.sockets.length], ["closed", 0]);
  rt.connect();
  assert.equal(rt.state, "connecting");
  run();
  assert.equal(page.sockets.length, 1);
});

test("a client that is closed before its first state emits that it is closed, once", () => {
  rt.on("state", record("state"));
  rt.close();
  rt.close();
  run();
  assert.deepEqual(calls.map(([, state, { code }]) => [state, code]), [["closed", 1000]]);
});
