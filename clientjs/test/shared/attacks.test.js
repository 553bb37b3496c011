/** What one tab does to the others: nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeGateway, tokenOf, two } from "../fakes/tabs.js";

/** Frames for which the gateway closes a connection with 4501. */
const BROKEN = [
  { type: "subscribe", channel: 7, id: 1 },
  { type: "subscribe", channel: "room:8", grant: 7, id: 1 },
  { type: "subscribe", channel: "room:8", recover: "k3", id: 1 },
  { type: "subscribe", channel: "room:8", recover: ["k3", 1.5], id: 1 },
  { type: "subscribe", channel: "half of a pair \ud800", id: 1 },
  { type: "publish", channel: "room:7", event: 7, data: 1, id: 1 },
  { type: "publish", channel: "room:7", event: "client-x", id: 1 },
  { type: "refresh", token: 7 },
  { type: "unknown", channel: "room:7" },
  { type: "toString", channel: "room:7" },
];

test("a frame that the gateway cannot decode ends the tab alone", () => {
  for (const frame of BROKEN) {
    const { gateway, one, other } = two();
    const before = gateway.socket.sent.length;
    one.send(frame);
    one.take(), other.take();
    assert.deepEqual([one.ends, other.ends], [[4501], []], JSON.stringify(frame));
    const sent = gateway.socket.sent.slice(before).map(({ type }) => type);
    assert.ok(!sent.includes(frame.type), JSON.stringify(frame));
  }
});

test("a broken connect frame ends the tab alone", () => {
  for (const more of [{ recover: "k3" }, { recover: { "user:7": 1.5 } }, { recover: [1] }, { token: 7 }]) {
    const gateway = new FakeGateway();
    const one = gateway.tab();
    const other = gateway.tab("alice", { connect: more });
    gateway.welcome();
    one.take(), other.take();
    assert.deepEqual([one.ends, other.ends], [[], [4501]], JSON.stringify(more));
    assert.deepEqual(gateway.requests("connect")[0].recover, {});
  }
});

test("what is no message changes nothing", () => {
  const { gateway, one, other } = two();
  for (const message of [null, undefined, 7, "x", {}, { type: "toString" }]) one.post(message);
  gateway.publish("room:7", 43);
  assert.deepEqual([one.offsets(), other.offsets()], [[43], [43]]);
});

test("a tab that floods the gateway is closed, and the others come back", () => {
  const { gateway, one, other } = two();
  one.send({ type: "presence", channel: "room:7", id: 1 });
  for (let id = 2; id < 30; id++) {
    other.send({ type: "publish", channel: "room:7", event: "client-x", data: 1, id });
    gateway.answer("publish", { type: "published" });
  }
  gateway.socket.end(4504, "too many messages");
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[3000], [4504]]);
});

test("frames of long ago are no flood", () => {
  const { gateway, one, other } = two();
  const send = (tab, count) => {
    for (let id = 1; id <= count; id++) tab.send({ type: "presence", channel: "room:7", id });
  };
  send(one, 500);
  for (let seconds = 0; seconds < 30; seconds += 5) {
    gateway.clock.advance(5000);
    gateway.socket.deliver({ type: "pong" });
    send(other, 20);
  }
  gateway.socket.end(4504, "too many messages");
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[3000], [4504]]);
});

test("a frame that is too large ends its own tab, and the others come back", () => {
  const { gateway, one, other } = two();
  const publish = (data) => ({ type: "publish", channel: "room:7", event: "client-x", data, id: 4 });
  one.send(publish("x".repeat(40000)));
  other.send(publish("small"));
  gateway.socket.end(4502, "message too large");
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[4502], [3000]]);
});

test("a right that was lost before a subscription is confirmed does not end the subscription", () => {
  const { gateway, one, other } = two();
  for (const tab of [one, other]) tab.send({ type: "unsubscribe", channel: "room:7", id: 5 });
  one.subscribe("room:7", 6);
  // Of the former subscription: it crosses the requests.
  gateway.socket.deliver({ type: "unsubscribed", channel: "room:7", reason: "rights_changed" });
  gateway.answer("unsubscribe", { type: "unsubscribed" });
  gateway.answer("subscribe", { epoch: "k3", offset: 42 });
  gateway.publish("room:7", 43);
  assert.deepEqual(one.offsets(), [43]);
});

test("a tab whose replay is under way when the right is lost is answered by the gateway", () => {
  const { gateway, one } = two();
  const main = gateway.socket;
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k3", 40], grant: "G" });
  main.deliver({ type: "unsubscribed", channel: "room:7" });
  assert.equal(one.take()[0].type, "unsubscribed");
  gateway.answer("subscribe", { type: "error", code: "not_allowed" }, main);
  gateway.clock.advance(5000);
  assert.deepEqual(late.take().map(({ code, reply_to }) => [code, reply_to]), [["not_allowed", 3]]);
});

test("a tab that was away from many channels opens few connections at once", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  const main = gateway.socket;
  const rooms = Array.from({ length: 20 }, (_, index) => `room:${index}`);
  rooms.forEach((room, index) => one.subscribe(room, index));
  for (const { id, channel } of gateway.requests("subscribe", main)) {
    main.deliver({ type: "subscribed", channel, epoch: "k3", offset: 42, reply_to: id });
  }
  const late = gateway.tab();
  late.take();
  rooms.forEach((room, index) => late.subscribe(room, index, { recover: ["k3", 40] }));
  let most = 0;
  while (gateway.live.length > 1) {
    most = Math.max(most, gateway.live.length);
    const second = gateway.live[1];
    second.accept();
    second.deliver({ type: "connected", user: "7", channels: {} });
    gateway.answer("subscribe", { epoch: "k3", offset: 42, recovered: false }, second);
  }
  assert.equal(most, 5);
  assert.equal(late.take().filter(({ type }) => type === "subscribed").length, 20);
});

test("a fresh tab beside one that recovers receives nothing older", () => {
  const gateway = new FakeGateway();
  const away = gateway.tab("alice", { isProven: true, recover: { "user:7": ["k1", 5] } });
  const fresh = gateway.tab();
  gateway.welcome({ "user:7": { epoch: "k1", offset: 5, recovered: true } });
  const [main] = gateway.sockets;
  gateway.publish("user:7", 6, main);
  gateway.publish("user:7", 7, main);
  gateway.socket.accept();
  gateway.socket.deliver({ type: "connected", user: "7", channels: { "user:7": { epoch: "k1", offset: 7 } } });
  assert.deepEqual(fresh.take()[0].channels["user:7"], { epoch: "k1", offset: 7 });
  assert.deepEqual(away.offsets(), [6, 7]);
  gateway.publish("user:7", 8, main);
  assert.deepEqual([fresh.offsets(), away.offsets()], [[8], [8]]);
  // The newest position is known from now on.
  assert.deepEqual(gateway.tab().take()[0].channels["user:7"], { epoch: "k1", offset: 8 });
  assert.equal(gateway.live.length, 1);
});

test("tabs of another session never receive, whatever they send", () => {
  const { gateway, one } = two();
  const mallory = gateway.tab("mallory");
  gateway.welcome({ "user:9": {} }, { user: "9" });
  mallory.take();
  mallory.send({ type: "refresh", token: tokenOf("alice") });
  gateway.publish("user:7", 43, gateway.sockets[0]);
  mallory.take();
  assert.deepEqual(mallory.ends, [4402]);
  assert.equal(one.take().length, 1);
});

test("what is kept of a hundred channels has a limit", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  const rooms = Array.from({ length: 100 }, (_, index) => `room:${index}`);
  rooms.forEach((room, index) => one.subscribe(room, index));
  for (const { id, channel } of gateway.requests("subscribe")) {
    gateway.socket.deliver({ type: "subscribed", channel, epoch: "k3", offset: 0, reply_to: id });
  }
  for (let offset = 1; offset <= 60; offset++) {
    for (const room of rooms) gateway.publish(room, offset, gateway.socket, { data: "x".repeat(2000) });
  }
  const { channels } = one.tab.upstream;
  const kept = rooms.map((room) => channels.of(room).answer(["k3", 45]));
  assert.ok(kept.every((answer) => answer.texts.length === 15));
  assert.ok(rooms.every((room) => channels.of(room).answer(["k3", 10]) === null));
});
