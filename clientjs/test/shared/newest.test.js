/** Tabs that receive the newest publications: newcomers of a shared connection. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { lowest } from "../../src/shared/channel.js";
import { FakeGateway, two } from "../fakes/tabs.js";

const STATE = { epoch: "k3", state: "latest" };

/** A tab in price:gold, whose gateway has handed out the publication 42. */
function watching() {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  one.subscribe("price:gold", 1);
  gateway.answer("subscribe", { ...STATE, offset: 41 });
  gateway.publish("price:gold", 42);
  return { gateway, one };
}

function late(gateway, more = {}) {
  const tab = gateway.tab();
  tab.take();
  tab.subscribe("price:gold", 3, more);
  return tab;
}

test("the first tab of a channel receives the state as the gateway hands it out", () => {
  const { one } = watching();
  const [, answer, publication] = one.take();
  assert.deepEqual(answer, { type: "subscribed", channel: "price:gold", ...STATE, offset: 41, reply_to: 1 });
  assert.equal(publication.offset, 42);
});

test("a later tab receives the newest publication from the kept ones", () => {
  const { gateway, one } = watching();
  gateway.publish("price:gold", 43);
  one.take();
  const tab = late(gateway);
  gateway.publish("price:gold", 44);
  const [answer, ...publications] = tab.take();
  assert.deepEqual(answer, { type: "subscribed", channel: "price:gold", ...STATE, offset: 42, reply_to: 3 });
  assert.deepEqual(publications.map(({ offset }) => offset), [43, 44]);
  assert.deepEqual(one.offsets(), [44]);
  assert.equal(gateway.sockets.length, 1);
});

test("a tab that joins before the state arrives receives it with the others", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  one.subscribe("price:gold", 1);
  const waiting = late(gateway);
  gateway.answer("subscribe", { ...STATE, offset: 41 });
  const fresh = late(gateway);
  gateway.publish("price:gold", 42);
  for (const tab of [one, waiting, fresh]) {
    const frames = tab.take().filter(({ channel }) => channel === "price:gold");
    assert.deepEqual(frames.map(({ offset }) => offset), [41, 42]);
  }
  assert.equal(gateway.sockets.length, 1);
});

test("a state that is not kept is read over a second connection", () => {
  const { gateway, one } = watching();
  gateway.socket.deliver({ type: "gap", channel: "price:gold", epoch: "k4", offset: 6 });
  one.take();
  const tab = late(gateway, { grant: "G" });
  const second = gateway.socket;
  second.accept();
  assert.deepEqual(second.sent[1], { type: "subscribe", channel: "price:gold", id: 1, grant: "G" });
  second.deliver({ type: "connected", user: "7", channels: {} });
  second.deliver({ type: "subscribed", channel: "price:gold", epoch: "k4", state: "latest", offset: 6, reply_to: 1 });
  gateway.publish("price:gold", 7, second);
  gateway.publish("price:gold", 7, gateway.sockets[0]);
  const [answer, ...publications] = tab.take();
  assert.deepEqual([answer.epoch, answer.offset, "recovered" in answer], ["k4", 6, false]);
  assert.deepEqual(publications.map(({ offset }) => offset), [7]);
  assert.deepEqual(one.offsets(), [7]);
});

test("a state that cannot be read now is no gap: the tab tries again", () => {
  const { gateway } = watching();
  gateway.socket.deliver({ type: "gap", channel: "price:gold", epoch: "k4", offset: 6 });
  const tab = late(gateway);
  gateway.socket.end(1006);
  assert.equal(tab.take()[0].code, "unavailable");
});

test("a tab whose position is lost receives the gap, then the newest publication", () => {
  const { gateway } = watching();
  const tab = late(gateway, { recover: ["k2", 3] });
  const [answer, publication] = tab.take();
  assert.deepEqual([answer.recovered, answer.offset, publication.offset], [false, 41, 42]);
});

test("a tab receives as many of the kept publications as it asks for", () => {
  const { gateway } = two();
  for (const offset of [43, 44, 45]) gateway.publish("room:7", offset);
  const tab = gateway.tab();
  tab.take();
  tab.subscribe("room:7", 3, { recover: 2 });
  const [answer, ...publications] = tab.take();
  assert.deepEqual([answer.recovered, answer.offset], [true, 43]);
  assert.deepEqual(publications.map(({ offset }) => offset), [44, 45]);
  assert.equal(gateway.sockets.length, 1);
});

test("more than is kept is read over a second connection", () => {
  const { gateway, one } = two();
  gateway.publish("room:7", 43);
  one.take();
  for (const recover of [3, "all"]) {
    const tab = gateway.tab();
    tab.take();
    tab.subscribe("room:7", 3, { recover });
    const second = gateway.socket;
    second.accept();
    assert.equal(second.sent[1].recover, recover);
    second.deliver({ type: "connected", user: "7", channels: {} });
    second.deliver({ type: "subscribed", channel: "room:7", epoch: "k3", offset: 40, recovered: true, reply_to: 1 });
    for (const offset of [41, 42, 43]) gateway.publish("room:7", offset, second);
    const [answer, ...publications] = tab.take();
    assert.deepEqual([answer.recovered, answer.offset], [true, 40]);
    assert.deepEqual(publications.map(({ offset }) => offset), [41, 42, 43]);
    assert.ok(second.isClosed);
  }
  assert.deepEqual(one.take(), []);
});

test("all of a channel is known where its first publication is kept", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  one.subscribe("room:7", 1);
  gateway.answer("subscribe", { epoch: "k3", offset: 0 });
  gateway.publish("room:7", 1);
  gateway.publish("room:7", 2);
  for (const recover of [9, "all"]) {
    const tab = gateway.tab();
    tab.take();
    tab.subscribe("room:7", 3, { recover });
    assert.deepEqual(tab.offsets(), [0, 1, 2].slice(1));
  }
  assert.equal(gateway.sockets.length, 1);
});

test("the state of an automatic channel comes with the welcome of a later tab", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome({ "user:7": { ...STATE, offset: 41 } });
  gateway.publish("user:7", 42);
  assert.deepEqual(one.take().map(({ offset }) => offset), [undefined, 42]);
  const [welcome, ...publications] = gateway.tab().take();
  assert.deepEqual(welcome.channels["user:7"], { ...STATE, offset: 41 });
  assert.deepEqual(publications.map(({ offset }) => offset), [42]);
});

test("the hub asks for what serves all tabs that wait", () => {
  assert.deepEqual(lowest([undefined, 3, null, 20, 5]), 20);
  assert.deepEqual(lowest([3, "all", 20]), "all");
  assert.deepEqual(lowest(["all", ["k3", 7], 20, ["k3", 5], ["k2", 1]]), ["k3", 5]);
  assert.equal(lowest([null, undefined]), undefined);
});

test("a tab that comes later is told the touch mark of now", () => {
  const gateway = new FakeGateway();
  const one = gateway.tab();
  gateway.welcome();
  one.subscribe("orders", 1);
  gateway.answer("subscribe", { epoch: "k3", offset: 4, touched: 7, audience: 900, within: 9 });
  assert.deepEqual(one.take().at(-1), {
    type: "subscribed", channel: "orders", epoch: "k3", offset: 4, touched: 7, audience: 900, within: 9, reply_to: 1,
  });
  for (const touched of [8, undefined]) {
    const data = { event: "touch", data: { audience: 2 } };
    gateway.sockets[0].deliver({ channel: "orders", data, audience: 2, touched });
    const tab = gateway.tab();
    tab.take();
    tab.subscribe("orders", 3);
    assert.equal(tab.take().at(-1).touched, touched);
  }
});
