import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  answer, sentFrames, calls, confirm, enter, forget, names, page, publish, reconnect, record, refuse,
  rt, start, subscribe,
} from "../fakes/room.js";

beforeEach(() => start());

// Reconnecting.

test("a reconnect subscribes again, from the position, with the same grant", () => {
  const room = enter();
  publish(43);
  reconnect();
  assert.deepEqual(page.socket.sent[0].recover, {});
  assert.deepEqual(sentFrames(), [
    { type: "subscribe", channel: "room:7", id: 2, grant: "G1", recover: ["k3", 43] },
  ]);
  assert.equal(room.state, "subscribing");
  confirm({ epoch: "k3", offset: 45, recovered: true });
  for (const offset of [44, 45, 45]) publish(offset);
  const expected = ["room news", "room subscribed", "subscribed", "room news", "room news"];
  assert.deepEqual(names(), expected);
  assert.equal(page.endpoint.urls.length, 1);
});

test("publications that cannot be recovered are a gap", () => {
  enter();
  reconnect();
  confirm({ epoch: "k4", offset: 3, recovered: false });
  assert.deepEqual(names(), ["room subscribed", "subscribed", "room gap", "gap"]);
  forget();
  publish(4);
  assert.deepEqual(names(), ["room news"]);
});

test('gaps of server-side channels are emitted after "connected"', () => {
  start();
  reconnect({ channels: { "user:7": { epoch: "k3", offset: 5 } } });
  rt.on("state", record("state"));
  reconnect({ channels: { "user:7": { epoch: "k3", offset: 9, recovered: false } } });
  assert.deepEqual(names().slice(-2), ["state", "gap"]);
  assert.equal(calls.at(-1)[1], "user:7");
});

test("handlers receive what the gateway says of all that are told the same", () => {
  const told = { touched: 5, audience: 30, within: 3 };
  subscribe({ grant: "G" });
  confirm({ epoch: "k3", offset: 1, ...told });
  page.socket.deliver({ type: "gap", channel: "room:7", ...told, touched: 6 });
  page.socket.deliver({ type: "unsubscribed", channel: "room:7", ...told });
  reconnect({ channels: { "user:7": { epoch: "k3", offset: 5, ...told } } });
  subscribe({}, "user:7");
  reconnect({ channels: { "user:7": { epoch: "k4", offset: 9, recovered: false, ...told } } });
  const found = calls.filter(([name]) => !name.startsWith("room"));
  assert.deepEqual(
    found.map(([name, channel, { type, touched, audience, within }]) => [name, channel, type, touched, audience, within]),
    [
      ["subscribed", "room:7", "subscribed", 5, 30, 3],
      ["gap", "room:7", "gap", 6, 30, 3],
      ["unsubscribed", "room:7", "unsubscribed", 5, 30, 3],
      ["subscribed", "user:7", "subscribed", 5, 30, 3],
      ["gap", "user:7", "gap", 5, 30, 3]
    ]
  );
});

test("a subscription without recovery starts without a position", () => {
  subscribe({ grant: "G", recover: false });
  confirm({ epoch: "k3", offset: 42 });
  reconnect();
  assert.equal("recover" in sentFrames()[0], false);
  confirm({ epoch: "k3", offset: 50 });
  assert.equal(names().includes("gap"), false);
});

test("a response to a request of a lost connection is ignored", () => {
  page.endpoint.answers = [];
  subscribe();
  const late = page.endpoint.pending;
  page.socket.end(1006);
  late(200, '{"grant":"G1"}');
  assert.equal(sentFrames().length, 0);
  page.clock.advance(500);
  page.welcome();
  assert.equal(sentFrames()[0].grant, "G1");
});

// Refusals.

test("a refused grant is replaced by a fresh one, once", () => {
  const room = enter();
  reconnect();
  page.endpoint.willGrant("G2");
  refuse("not_allowed");
  assert.equal(sentFrames().at(-1).grant, "G2");
  refuse("not_allowed");
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
  assert.equal(calls[0][2].code, "not_allowed");
  assert.equal(room.state, "unsubscribed");
  reconnect();
  assert.deepEqual(sentFrames(), []);
});

test("a handler learns whether the gateway has refused a revoked right, though Django gives no other grant", () => {
  for (const revoked of [true, undefined]) {
    start();
    page.endpoint.willRefuse(403);
    subscribe({ grant: "G1" });
    answer({ type: "error", code: "not_allowed", message: "no", revoked });
    assert.deepEqual([calls.at(-1)[2].code, calls.at(-1)[2].revoked], ["not_allowed", revoked]);
  }
});

test("a refusal by Django is final until the page subscribes again", () => {
  page.endpoint.willRefuse(403);
  subscribe();
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
  page.endpoint.willGrant("G1");
  subscribe();
  assert.equal(sentFrames().length, 1);
});

test("a refused grant that cannot be replaced is final", () => {
  start({ grantUrl: null });
  subscribe();
  refuse("not_allowed");
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
});

for (const code of ["bad_channel", "too_many_channels", "not_supported"]) {
  test(`${code} is final`, () => {
    subscribe({ grant: "G" });
    refuse(code);
    assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
  });
}

test('"unavailable" is retried with growing waits', () => {
  subscribe({ grant: "G" });
  for (const ms of [4500, 4500]) {
    refuse("unavailable");
    const { length } = sentFrames();
    page.clock.advance(ms - 1);
    assert.equal(sentFrames().length, length);
    page.clock.advance(1);
    assert.equal(sentFrames().length, length + 1);
  }
  assert.deepEqual(names(), []);
});

test("a failing grant endpoint is retried", () => {
  page.endpoint.willRefuse(500);
  subscribe();
  page.endpoint.willGrant("G1");
  page.clock.advance(500);
  assert.equal(sentFrames()[0].grant, "G1");
});

test("a channel that is taken away is not requested again, and its grant is dropped", () => {
  const room = enter();
  page.socket.deliver({ type: "unsubscribed", channel: "room:7" });
  assert.deepEqual([names(), room.state], [["room unsubscribed", "unsubscribed"], "unsubscribed"]);
  reconnect();
  assert.deepEqual([sentFrames(), page.socket.sent[0].recover], [[], {}]);
  page.endpoint.willRefuse(403);
  subscribe();
  assert.equal(page.endpoint.urls.length, 2);
});
