import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeGateway, settle, tokenOf, two } from "../fakes/tabs.js";

test("tabs of one session share one connection, and each receives the welcome", () => {
  const gateway = new FakeGateway();
  const tabs = [gateway.tab(), gateway.tab()];
  gateway.welcome();
  tabs.push(gateway.tab());
  assert.equal(gateway.sockets.length, 1);
  assert.equal(gateway.requests("connect").length, 1);
  for (const tab of tabs) {
    assert.deepEqual(tab.messages.map(({ type }) => type), ["opened", "transport", "frame"]);
    assert.equal(tab.take()[0].user, "7");
  }
});

test("the second tab of a channel is answered here, with the position of now", () => {
  const { gateway, one, other } = two();
  gateway.publish("room:7", 43);
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3);
  assert.deepEqual(late.take(), [{ type: "subscribed", channel: "room:7", epoch: "k3", offset: 43, reply_to: 3 }]);
  assert.equal(gateway.requests("subscribe").length, 1);
  gateway.publish("room:7", 44);
  assert.deepEqual([one, other, late].map((tab) => tab.offsets()), [[43, 44], [43, 44], [44]]);
});

test("a tab receives what it lacks from the kept publications", () => {
  const { gateway } = two();
  for (const offset of [43, 44, 45]) gateway.publish("room:7", offset);
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k3", 43] });
  const [answer, ...missed] = late.take();
  assert.equal(answer.recovered, true);
  assert.deepEqual(missed.map(({ offset }) => offset), [44, 45]);
});

test("a position in a former epoch cannot be recovered", () => {
  const { gateway } = two();
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k2", 40] });
  assert.deepEqual(late.take(), [
    { type: "subscribed", channel: "room:7", epoch: "k3", offset: 42, recovered: false, reply_to: 3 },
  ]);
});

test("what is not kept is read over a second connection, for that tab alone", () => {
  const { gateway, one } = two();
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k3", 40], grant: "G" });
  const second = gateway.socket;
  assert.equal(gateway.sockets.length, 2);
  second.accept();
  assert.deepEqual(second.sent[1], { type: "subscribe", channel: "room:7", id: 1, grant: "G", recover: ["k3", 40] });
  second.deliver({ type: "connected", user: "7", channels: {} });
  second.deliver({ type: "subscribed", channel: "room:7", epoch: "k3", offset: 40, recovered: true, reply_to: 1 });
  gateway.publish("room:7", 41, second);
  gateway.publish("room:7", 43, gateway.sockets[0]);
  assert.deepEqual(late.take(), []);
  gateway.publish("room:7", 42, second);
  gateway.publish("room:7", 43, second);
  const [answer, ...missed] = late.take();
  assert.deepEqual([answer.recovered, answer.reply_to], [true, 3]);
  assert.deepEqual(missed.map(({ offset }) => offset), [41, 42, 43]);
  assert.ok(second.isClosed);
  assert.deepEqual(one.offsets(), [43]);
});

test("a skipped offset moves the shared position, and every tab's", () => {
  const { gateway, one } = two();
  const skipped = { type: "skipped", channel: "room:7", offset: 43 };
  gateway.socket.deliver(skipped);
  assert.deepEqual(one.take(), [skipped]);
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k3", 42] });
  const [answer, ...missed] = late.take();
  assert.deepEqual([answer.recovered, answer.offset], [true, 42]);
  assert.deepEqual(missed, [skipped]);
});

test("a gap is the tab's own, when the gateway cannot recover", () => {
  const { gateway, one } = two();
  const late = gateway.tab();
  late.take();
  late.subscribe("room:7", 3, { recover: ["k3", 2] });
  gateway.socket.accept();
  gateway.socket.deliver({ type: "connected", user: "7", channels: {} });
  gateway.socket.deliver({ type: "subscribed", channel: "room:7", epoch: "k3", offset: 42, recovered: false, reply_to: 1 });
  assert.equal(late.take()[0].recovered, false);
  assert.deepEqual(one.take(), []);
});

test("a new worker recovers from the lowest position, once", () => {
  const gateway = new FakeGateway();
  const from = (offset) => ({ isProven: true, recover: { "user:7": ["k1", offset] } });
  const tabs = [gateway.tab("alice", from(7)), gateway.tab("alice", from(5))];
  tabs.forEach((tab, index) => tab.subscribe("room:7", index, { recover: ["k3", 43 - index] }));
  gateway.clock.advance(100);
  tabs.push(gateway.tab("alice", from(6)));
  gateway.welcome({ "user:7": { epoch: "k1", offset: 5, recovered: true } });
  assert.deepEqual(gateway.requests("connect")[0].recover, { "user:7": ["k1", 5] });
  assert.deepEqual(gateway.requests("subscribe")[0].recover, ["k3", 42]);
  assert.equal(gateway.requests("subscribe").length, 1);
  gateway.answer("subscribe", { epoch: "k3", offset: 42, recovered: true });
  for (const [index, tab] of tabs.entries()) {
    const [welcome, answer] = tab.take();
    assert.equal(welcome.channels["user:7"].recovered, true);
    if (index < 2) assert.equal(answer.recovered, true);
  }
  for (const offset of [6, 7, 8]) gateway.publish("user:7", offset);
  // Each tab drops what it has.
  for (const tab of tabs) assert.deepEqual(tab.offsets(), [6, 7, 8]);
  assert.equal(gateway.sockets.length, 1);
});

test("the hub subscribes to the union, and unsubscribes with the last tab", () => {
  const { gateway, one, other } = two();
  one.send({ type: "unsubscribe", channel: "room:7", id: 5 });
  assert.deepEqual(one.take(), [{ type: "unsubscribed", channel: "room:7", reply_to: 5 }]);
  gateway.publish("room:7", 43);
  assert.deepEqual([one.offsets(), other.offsets()], [[], [43]]);
  assert.equal(gateway.requests("unsubscribe").length, 0);
  other.post({ type: "close" });
  assert.equal(gateway.requests("unsubscribe").length, 1);
  one.post({ type: "close" });
  assert.ok(gateway.socket.isClosed);
});

test("a tab whose lock the browser releases is gone", async () => {
  const gateway = new FakeGateway();
  let crash;
  gateway.locks.request("tab-1", () => new Promise((resolve) => (crash = resolve)));
  gateway.tab("alice", { lock: "tab-1" });
  gateway.welcome();
  await settle();
  assert.ok(!gateway.socket.isClosed);
  crash();
  await settle();
  assert.ok(gateway.socket.isClosed);
});

test("a tab that is silent for five minutes is gone, unless it says that it is there", () => {
  const gateway = new FakeGateway();
  const [silent, alive] = [gateway.tab(), gateway.tab()];
  gateway.welcome();
  for (let seconds = 0; seconds < 400; seconds += 20) {
    gateway.clock.advance(20000);
    gateway.socket.deliver({ type: "pong" });
    alive.post({ type: "alive" });
  }
  silent.take(), alive.take();
  assert.deepEqual([silent.ends, alive.ends], [[3000], []]);
});

test("a refused grant is the answer to one tab, and the next one's grant is tried", () => {
  const gateway = new FakeGateway();
  const [one, other] = [gateway.tab(), gateway.tab()];
  gateway.welcome();
  one.take(), other.take();
  one.subscribe("room:7", 1, { grant: "old" });
  other.subscribe("room:7", 2, { grant: "fresh" });
  gateway.answer("subscribe", { type: "error", code: "not_allowed" });
  assert.deepEqual(one.take().map(({ code, reply_to }) => [code, reply_to]), [["not_allowed", 1]]);
  assert.equal(gateway.requests("subscribe").at(-1).grant, "fresh");
  gateway.answer("subscribe", {});
  assert.equal(other.take()[0].type, "subscribed");
});

test("responses reach the tab that has asked, with its own id", () => {
  const { gateway, one, other } = two();
  one.send({ type: "presence", channel: "room:7", id: 4 });
  other.send({ type: "publish", channel: "room:7", event: "client-x", data: 1, id: 4 });
  gateway.answer("publish", { type: "published" });
  gateway.answer("presence", { type: "presence", users: {} });
  assert.deepEqual(other.take(), [{ type: "published", channel: "room:7", reply_to: 4 }]);
  assert.deepEqual(one.take(), [{ type: "presence", channel: "room:7", users: {}, reply_to: 4 }]);
});

test("a tab that has not subscribed may not publish, although another one has", () => {
  const { gateway } = two();
  const third = gateway.tab();
  third.take();
  third.send({ type: "publish", channel: "room:7", event: "client-x", data: 1, id: 4 });
  assert.deepEqual(third.take().map(({ code, reply_to }) => [code, reply_to]), [["not_allowed", 4]]);
  assert.equal(gateway.requests("publish").length, 0);
});

test("the close code of the gateway reaches every tab", () => {
  const { gateway, one, other } = two();
  gateway.socket.end(4500, "session ended");
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[4500], [4500]]);
  gateway.tab();
  gateway.clock.advance(0);
  assert.equal(gateway.sockets.length, 2);
});

test("a lost right reaches the tabs of the channel, and the next subscription asks the gateway", () => {
  const { gateway, one, other } = two();
  gateway.socket.deliver({ type: "unsubscribed", channel: "room:7", reason: "rights_changed" });
  assert.equal(one.take()[0].reason, "rights_changed");
  assert.equal(other.take()[0].reason, "rights_changed");
  one.subscribe("room:7", 7, { grant: "fresh" });
  assert.equal(gateway.requests("subscribe").length, 2);
});

test("on drain, all tabs reconnect at one moment", () => {
  const { gateway, one, other } = two();
  gateway.socket.deliver({ type: "drain", within: 10 });
  assert.deepEqual(one.take(), []);
  gateway.clock.advance(5000);
  for (const tab of [one, other]) assert.deepEqual(tab.take(), [{ type: "drain", within: 0 }]);
  assert.ok(gateway.socket.isClosed);
});

test("a ping asks the gateway only after a silence", () => {
  const { gateway, one, other } = two();
  one.send({ type: "ping" });
  assert.deepEqual(one.take(), [{ type: "pong" }]);
  gateway.clock.advance(6000);
  one.send({ type: "ping" });
  other.send({ type: "ping" });
  assert.equal(gateway.requests("ping").length, 1);
  assert.deepEqual(one.take(), []);
  gateway.socket.deliver({ type: "pong" });
  assert.deepEqual([one.take(), other.take()], [[{ type: "pong" }], [{ type: "pong" }]]);
});

test("a dead connection is noticed, and every tab comes back", () => {
  const { gateway, one } = two();
  gateway.clock.advance(30000);
  assert.equal(gateway.requests("ping").length, 1);
  gateway.clock.advance(5000);
  one.take();
  assert.deepEqual(one.ends, [3007]);
});

test("a tab that joins during an interruption receives that, too", () => {
  const { gateway } = two();
  gateway.socket.deliver({ type: "interrupted" });
  assert.deepEqual(gateway.tab().take().map(({ type }) => type), ["connected", "interrupted"]);
  gateway.socket.deliver({ type: "resumed" });
  assert.deepEqual(gateway.tab().take().map(({ type }) => type), ["connected"]);
});

test("a channel that the gateway assigns reaches every tab", () => {
  const { gateway, one, other } = two();
  gateway.socket.deliver({ type: "subscribed", channel: "group:staff", epoch: "k9", offset: 3 });
  gateway.publish("group:staff", 4);
  assert.deepEqual([one.offsets(), other.offsets()], [[4], [4]]);
  assert.deepEqual(gateway.tab().take()[0].channels["group:staff"], { epoch: "k9", offset: 4 });
});

test("frames before connect, and a second connect, end the tab alone", () => {
  const { one, other, gateway } = two();
  one.send({ type: "connect", token: tokenOf("alice") });
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[4501], []]);
  assert.ok(!gateway.socket.isClosed);
});

test("the connection shows the data that a tab has set last, until that tab leaves", () => {
  const { gateway, one, other } = two();
  const shown = () => gateway.socket.sent.filter(({ type }) => type === "set_presence").map(({ data }) => data);
  const set = (tab, data) => tab.send({ type: "set_presence", channel: "room:7", id: 9, data });
  set(one, { x: 1 });
  gateway.answer("set_presence", { type: "presence_set", channel: "room:7" });
  set(other, { x: 2 });
  set(one, { x: 3 });
  set(other, null);
  assert.deepEqual(shown(), [{ x: 1 }, { x: 2 }, { x: 3 }, { x: 3 }]);
  set(other, { x: 4 });
  other.send({ type: "unsubscribe", channel: "room:7", id: 10 });
  assert.deepEqual(shown().slice(4), [{ x: 4 }, { x: 3 }]);
});

test("data that the gateway has refused is forgotten, and what it has accepted is shown again", () => {
  const { gateway, one, other } = two();
  const shown = () => gateway.socket.sent.filter(({ type }) => type === "set_presence").map(({ data }) => data);
  const set = (tab, data) => tab.send({ type: "set_presence", channel: "room:7", id: 9, data });
  const accept = () => gateway.answer("set_presence", { type: "presence_set", channel: "room:7" });
  const refuse = () => gateway.answer("set_presence", { type: "error", code: "presence_refused", channel: "room:7" });
  set(one, { x: 1 }), refuse();
  set(other, { x: 2 }), accept();
  other.send({ type: "unsubscribe", channel: "room:7", id: 10 });
  assert.deepEqual(shown(), [{ x: 1 }, { x: 2 }, null]);
  set(one, { x: 3 }), accept();
  set(one, { x: 4 }), refuse();
  other.send({ type: "subscribe", channel: "room:7", id: 11, grant: "G" });
  set(other, { x: 5 }), accept();
  other.send({ type: "unsubscribe", channel: "room:7", id: 12 });
  assert.deepEqual(shown().at(-1), { x: 3 });
});

test("tabs learn the transport to which the connection moves, and keep for a worker which way has worked", () => {
  const { gateway, one, other } = two();
  const transports = (tab) => tab.messages.filter(({ type }) => type === "transport");
  gateway.hub.remember("polling 1 /realtime");
  const sent = gateway.socket.sent.length;
  gateway.socket.transport = "websocket";
  gateway.socket.onopen({});
  for (const tab of [one, other]) {
    assert.deepEqual(transports(tab).at(-1), { type: "transport", name: "websocket", remembered: "polling 1 /realtime" });
  }
  assert.equal(gateway.socket.sent.length, sent);
});

test("what was requested on a way that lets nothing through is requested on the next one", () => {
  const gateway = new FakeGateway();
  gateway.hasOtherWay = true;
  const tab = gateway.tab();
  tab.send({ type: "subscribe", channel: "room:7", id: 1, grant: "G" });
  gateway.clock.advance(0);
  gateway.socket.accept();
  assert.equal(gateway.requests("subscribe").length, 1);
  gateway.clock.advance(15000);
  assert.equal(gateway.sockets.length, 2);
  gateway.welcome();
  assert.equal(gateway.requests("subscribe").length, 1);
  gateway.answer("subscribe");
  assert.deepEqual(tab.take().at(-1), { type: "subscribed", channel: "room:7", reply_to: 1 });
});

test("a tab without data changes nothing when it leaves", () => {
  const { gateway, other } = two();
  other.send({ type: "unsubscribe", channel: "room:7", id: 10 });
  assert.ok(!gateway.socket.sent.some(({ type }) => type === "set_presence"));
});
