import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Client } from "../src/client.js";
import { FakePage } from "./fakes/page.js";

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

test("it begins once the page has had the time to add handlers", () => {
  assert.equal(page.sockets.length, 0);
  rt.onstate = record("onstate");
  rt.on("state", record("state"));
  run();
  assert.deepEqual(calls, [["onstate", "connecting", {}], ["state", "connecting", {}]]);
});

test("an event calls its handlers with the data and the message", () => {
  settle();
  assert.equal(rt.on("news", record("news")), rt);
  publish({ event: "news", data: { title: "Djangocon 2012" } }, { offset: 3 });
  const data = { title: "Djangocon 2012" };
  assert.deepEqual(calls, [["news", data, { event: "news", data, channel: "user:7", offset: 3 }]]);
});

test("anything else is a message", () => {
  settle();
  rt.on("message", record("message"));
  publish("hello");
  assert.deepEqual(calls[0].slice(0, 2), ["message", "hello"]);
});

test("the star hears everything", () => {
  settle();
  rt.on("*", record("*"));
  publish({ event: "news", data: 1 });
  publish(2);
  assert.deepEqual(calls.map(([, data, { event }]) => [data, event]), [[1, "news"], [2, "message"]]);
});

test("off takes handlers away", () => {
  settle();
  const handler = record("one");
  rt.on("news", handler).on("news", record("two")).off("news", handler);
  publish({ event: "news", data: 1 });
  assert.deepEqual(calls.map(([name]) => name), ["two"]);
  rt.off("news");
  publish({ event: "news", data: 1 });
  assert.equal(calls.length, 1);
});

const RESERVED = [
  "state", "error", "gap", "subscribed", "unsubscribed", "presence", "join", "leave", "*",
];

for (const event of RESERVED) {
  test(`a publication cannot pass for "${event}"`, () => {
    settle();
    rt.on(event, record(event)).on("message", record("message"));
    publish({ event, data: "connected" });
    const names = calls.map(([name]) => name);
    assert.deepEqual(names, event === "*" ? ["message", "*"] : ["message"]);
  });
}

test("it says who and how while it is connected", () => {
  assert.equal(rt.state, "connecting");
  settle();
  const { state, transport, user, connection } = rt;
  assert.deepEqual([state, transport, user, connection], ["connected", "websocket", "7", "c1"]);
});

test("once lost it is no connection, but still that user", () => {
  settle();
  page.socket.end(1006);
  const { state, transport, user, connection } = rt;
  assert.deepEqual([state, transport, user, connection], ["waiting", "", "7", ""]);
});

test("a login that changed is another user", () => {
  settle();
  page.socket.deliver({ type: "refreshed", user: "8", expires: null });
  assert.equal(rt.user, "8");
});

test("gaps and errors have events of their own", () => {
  settle();
  rt.on("gap", record("gap")).on("error", record("error"));
  page.socket.deliver({ type: "gap", channel: "user:7" });
  page.socket.deliver({ type: "error", code: "not_supported", message: "no" });
  assert.deepEqual(calls.map((call) => call.slice(0, 2)), [["gap", "user:7"], ["error", "not_supported"]]);
});

test("a handler that throws disturbs neither the others nor the connection", (t) => {
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

test("what is no text is no channel", () => {
  assert.throws(() => rt.subscribe(7), TypeError);
});

test("closed before it began, it never begins", () => {
  rt.close();
  page.clock.advance(1e9);
  assert.equal(rt.state, "closed");
  assert.equal(page.sockets.length, 0);
});

test("closed by the page, it may connect again", () => {
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

test("the network's coming and going reaches the connection", () => {
  settle();
  page.network.goOffline();
  assert.equal(rt.state, "offline");
  page.network.goOnline();
  assert.equal(rt.state, "connecting");
  page.network.watcher.wake();
});

test("a client that is closed is held by nothing of the browser's", () => {
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

test("neither is one that is closed before it has begun", () => {
  rt.close();
  assert.equal(page.network.watchers.size, 0);
});

test("a handler that connects again hears the network", () => {
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
