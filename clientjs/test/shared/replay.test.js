/** A tab receives a gap only if the gateway says that its history does not reach back. Slowness costs nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeGateway, two } from "../fakes/tabs.js";

const RECOVERED = { epoch: "k3", offset: 40, recovered: true };

/** A tab at offset 40 of room:7, beside a shared connection that has begun at 42. */
function late() {
  const { gateway } = two();
  const [main] = gateway.sockets;
  const tab = gateway.tab();
  tab.take();
  tab.subscribe("room:7", 3, { recover: ["k3", 40] });
  return { gateway, main, tab, second: gateway.socket };
}

function welcome(socket, channels = {}) {
  socket.accept();
  socket.deliver({ type: "connected", user: "7", channels });
}

/** Let seconds pass on connections that live. */
function pass(gateway, seconds) {
  for (let second = 0; second < seconds; second++) {
    gateway.clock.advance(1000);
    for (const socket of gateway.live) {
      if (socket.transport) socket.deliver({ type: "pong" });
    }
  }
}

const offsets = (frames) => frames.filter(({ type }) => !type).map(({ offset }) => offset);

test("a slow replay costs no gap", () => {
  const { gateway, main, tab, second } = late();
  pass(gateway, 6);
  welcome(second);
  pass(gateway, 60);
  gateway.answer("subscribe", RECOVERED, second);
  gateway.publish("room:7", 41, second);
  pass(gateway, 4);
  for (let offset = 43; offset <= 600; offset++) gateway.publish("room:7", offset, main);
  assert.deepEqual(tab.take(), []);
  for (let offset = 42; offset <= 500; offset++) gateway.publish("room:7", offset, second);
  const [answer, ...missed] = tab.take();
  assert.deepEqual(answer, { type: "subscribed", channel: "room:7", ...RECOVERED, reply_to: 3 });
  assert.deepEqual(offsets(missed), Array.from({ length: 560 }, (_, index) => 41 + index));
  gateway.publish("room:7", 601, main);
  assert.deepEqual(tab.offsets(), [601]);
  assert.equal(gateway.live.length, 1);
});

test("the replay ends as soon as the kept publications follow on it", () => {
  const { gateway, main, tab, second } = late();
  gateway.publish("room:7", 43, main);
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  gateway.publish("room:7", 41, second);
  assert.deepEqual(tab.take(), []);
  gateway.publish("room:7", 42, second);
  assert.deepEqual(tab.offsets(), [41, 42, 43]);
  assert.ok(second.isClosed);
});

test("a replay that stays one publication behind a fast stream ends", () => {
  const { gateway, main, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  const received = [];
  // On a busy machine, the hub reads the older connection first: every 40 ms, for longer than QUIET_MS.
  for (let offset = 43; offset <= 243; offset++) {
    gateway.publish("room:7", offset, main);
    gateway.publish("room:7", offset - 2, second);
    gateway.clock.advance(40);
    received.push(...tab.take());
  }
  const [answer, ...publications] = received;
  assert.equal(answer.recovered, true);
  assert.deepEqual(offsets(publications), Array.from({ length: 203 }, (_, index) => 41 + index));
});

for (const code of [1006, 3001, 3003, 4500, 4503]) {
  test(`a replay that ends with ${code} is no gap: the tab tries again`, () => {
    const { gateway, tab, second } = late();
    welcome(second);
    gateway.answer("subscribe", RECOVERED, second);
    gateway.publish("room:7", 41, second);
    second.end(code);
    const [answer, ...more] = tab.take();
    assert.deepEqual([answer.type, answer.code, answer.reply_to, more], ["error", "unavailable", 3, []]);
    tab.subscribe("room:7", 4, { recover: ["k3", 40] });
    welcome(gateway.socket);
    gateway.answer("subscribe", RECOVERED);
    for (const offset of [41, 42]) gateway.publish("room:7", offset, gateway.socket);
    assert.deepEqual(tab.offsets(), [41, 42]);
    assert.deepEqual(tab.ends, []);
  });
}

test("a replay whose token is refused lets the tab fetch a fresh one", () => {
  const { tab, second } = late();
  second.accept();
  second.end(4401);
  assert.deepEqual(tab.take(), []);
  assert.deepEqual(tab.ends, [4401]);
});

test("a rejected replay is the answer to the tab, and no gap", () => {
  for (const code of ["unavailable", "not_allowed"]) {
    const { gateway, main, tab, second } = late();
    welcome(second);
    gateway.answer("subscribe", { type: "error", code }, second);
    const [answer, ...more] = tab.take();
    assert.deepEqual([answer.type, answer.code, answer.reply_to, more], ["error", code, 3, []]);
    gateway.publish("room:7", 43, main);
    assert.deepEqual(tab.take(), []);
  }
});

test("a channel that is wanted by nobody after a rejected replay is unsubscribed", () => {
  const { gateway, main, tab, second } = late();
  const rest = [...tab.tab.upstream.tabs].filter((one) => one !== tab.tab);
  rest.forEach((one) => one.leave());
  assert.equal(gateway.requests("unsubscribe", main).length, 0);
  second.end(1006);
  assert.equal(tab.take()[0].code, "unavailable");
  assert.equal(gateway.requests("unsubscribe", main).length, 1);
});

test("a replay for the welcome that fails closes the tab alone, and it comes back", () => {
  for (const [code, received] of [[1006, 3000], [3003, 3000], [4401, 4401], [4503, 3000]]) {
    const { gateway, tab, one } = returning();
    gateway.socket.accept();
    gateway.socket.end(code);
    assert.deepEqual(tab.take(), []);
    one.take();
    assert.deepEqual([tab.ends, one.ends], [[received], []]);
    assert.equal(gateway.live.length, 1);
  }
});

/** A tab at offset 4 of user:7, beside a shared connection that has begun at 7. */
function returning() {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome({ "user:7": { epoch: "k1", offset: 7 }, broadcast: { epoch: "k1", offset: 1 } });
  const tab = gateway.tab("alice", { recover: { "user:7": ["k1", 4], broadcast: ["k1", 1] } });
  one.take();
  return { gateway, one, tab, main: gateway.sockets[0], second: gateway.socket };
}

test("what is not kept any more at the end of a slow replay was replayed, too", () => {
  const { gateway, tab, main, second } = returning();
  for (let offset = 2; offset <= 400; offset++) gateway.publish("broadcast", offset, main);
  const recovered = (offset) => ({ epoch: "k1", offset, recovered: true });
  welcome(second, { "user:7": recovered(4), broadcast: recovered(1) });
  for (let offset = 2; offset <= 400; offset++) gateway.publish("broadcast", offset, second);
  assert.deepEqual(tab.take(), []);
  for (const offset of [5, 6, 7]) gateway.publish("user:7", offset, second);
  const [welcomed, ...missed] = tab.take();
  assert.deepEqual(welcomed.channels, { "user:7": recovered(4), broadcast: recovered(1) });
  assert.equal(missed.length, 3 + 399);
});

test("a channel that the gateway assigns during a replay is replayed as well", () => {
  const { gateway, tab, main, second } = returning();
  tab.tab.recover["group:staff"] = ["k9", 3];
  main.deliver({ type: "subscribed", channel: "group:staff", epoch: "k9", offset: 5 });
  const info = (offset) => ({ epoch: "k1", offset, recovered: true });
  welcome(second, { "user:7": info(4), broadcast: info(1) });
  for (const offset of [5, 6, 7]) gateway.publish("user:7", offset, second);
  assert.deepEqual(tab.take(), []);
  const staff = { epoch: "k9", offset: 3, recovered: true };
  welcome(gateway.socket, { "user:7": info(4), broadcast: info(1), "group:staff": staff });
  for (const offset of [5, 6, 7]) gateway.publish("user:7", offset);
  for (const offset of [4, 5]) gateway.publish("group:staff", offset);
  assert.deepEqual(tab.take()[0].channels["group:staff"], staff);
  assert.equal(gateway.live.length, 1);
});

test("a gap during the replay is the tab's gap, at once", () => {
  const { gateway, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  second.deliver({ type: "gap", channel: "room:7", epoch: "k3", offset: 42 });
  const [answer] = tab.take();
  assert.deepEqual([answer.recovered, answer.offset], [false, 42]);
});

test("an offset that the gateway cannot deliver is passed on as a hole, which the tab detects", () => {
  const { gateway, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  gateway.publish("room:7", 42, second);
  assert.deepEqual(offsets(tab.take()), [42]);
});

test("the tab waits no longer for an undeliverable end than the gateway needs to say so", () => {
  const { gateway, main, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  gateway.publish("room:7", 41, second);
  pass(gateway, 4);
  assert.equal(gateway.requests("unsubscribe", second).length, 0);
  pass(gateway, 2);
  const [end] = gateway.requests("unsubscribe", second);
  assert.deepEqual(tab.take(), []);
  second.deliver({ type: "unsubscribed", channel: end.channel, reply_to: end.id });
  const [answer, ...missed] = tab.take();
  assert.deepEqual([answer.recovered, offsets(missed)], [true, [41]]);
  gateway.publish("room:7", 43, main);
  assert.deepEqual(tab.offsets(), [43]);
  assert.equal(gateway.live.length, 1);
});

test("the end is not decided while publications arrive", () => {
  const { gateway, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  pass(gateway, 6);
  const [end] = gateway.requests("unsubscribe", second);
  gateway.publish("room:7", 41, second);
  second.deliver({ type: "unsubscribed", channel: end.channel, reply_to: end.id });
  assert.deepEqual(tab.take(), []);
  gateway.publish("room:7", 42, second);
  assert.deepEqual(tab.offsets(), [41, 42]);
});

test("an end that the gateway cannot say is no gap", () => {
  const { gateway, tab, second } = late();
  welcome(second);
  gateway.answer("subscribe", RECOVERED, second);
  pass(gateway, 6);
  const [end] = gateway.requests("unsubscribe", second);
  second.deliver({ type: "error", code: "unavailable", reply_to: end.id });
  assert.deepEqual(tab.take().map(({ code, reply_to }) => [code, reply_to]), [["unavailable", 3]]);
});

test("a tab that is gone leaves no second connection behind", () => {
  const { gateway, tab, second } = late();
  welcome(second);
  tab.post({ type: "close" });
  assert.ok(second.isClosed);
  assert.equal(gateway.live.length, 1);
});

test("a fresh tab whose replay fails receives nothing older", () => {
  const gateway = new FakeGateway();
  gateway.tab("alice", { isProven: true, recover: { "user:7": ["k1", 5] } });
  const fresh = gateway.tab();
  gateway.welcome({ "user:7": { epoch: "k1", offset: 5, recovered: true } });
  gateway.clock.advance(6000);
  assert.deepEqual(fresh.take(), []);
  gateway.socket.end(1006);
  gateway.publish("user:7", 6, gateway.sockets[0]);
  assert.deepEqual(fresh.take(), []);
  assert.deepEqual(fresh.ends, [3000]);
});
