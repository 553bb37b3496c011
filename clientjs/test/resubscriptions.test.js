import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  answer, asked, calls, confirm, enter, forget, names, page, publish, reconnect, record, refuse,
  rt, start, subscribe,
} from "./fakes/room.js";

beforeEach(() => start());

// Coming back.

test("on the way back it asks again by itself, from where it was, with the same grant", () => {
  const room = enter();
  publish(43);
  reconnect();
  assert.deepEqual(page.socket.sent[0].recover, {});
  assert.deepEqual(asked(), [
    { type: "subscribe", channel: "room:7", id: 2, grant: "G1", recover: ["k3", 43] },
  ]);
  assert.equal(room.state, "subscribing");
  confirm({ epoch: "k3", offset: 45, recovered: true });
  for (const offset of [44, 45, 45]) publish(offset);
  const told = ["room news", "room subscribed", "subscribed", "room news", "room news"];
  assert.deepEqual(names(), told);
  assert.equal(page.endpoint.asked.length, 1);
});

test("what cannot be recovered is a gap", () => {
  enter();
  reconnect();
  confirm({ epoch: "k4", offset: 3, recovered: false });
  assert.deepEqual(names(), ["room subscribed", "subscribed", "room gap", "gap"]);
  forget();
  publish(4);
  assert.deepEqual(names(), ["room news"]);
});

test("channels that are given tell their gaps once connected", () => {
  start();
  reconnect({ channels: { "user:7": { epoch: "k3", offset: 5 } } });
  rt.on("state", record("state"));
  reconnect({ channels: { "user:7": { epoch: "k3", offset: 9, recovered: false } } });
  assert.deepEqual(names().slice(-2), ["state", "gap"]);
  assert.equal(calls.at(-1)[1], "user:7");
});

test("one that never recovers begins anew", () => {
  subscribe({ grant: "G", recover: false });
  confirm({ epoch: "k3", offset: 42 });
  reconnect();
  assert.equal("recover" in asked()[0], false);
  confirm({ epoch: "k3", offset: 50 });
  assert.equal(names().includes("gap"), false);
});

test("an answer to what was asked on a lost connection is not heard", () => {
  page.endpoint.answers = [];
  subscribe();
  const late = page.endpoint.pending;
  page.socket.end(1006);
  late(200, '{"grant":"G1"}');
  assert.equal(asked().length, 0);
  page.clock.advance(500);
  page.welcome();
  assert.equal(asked()[0].grant, "G1");
});

// Refusals.

test("a refused grant is replaced by a fresh one, once", () => {
  const room = enter();
  reconnect();
  page.endpoint.willGrant("G2");
  refuse("not_allowed");
  assert.equal(asked().at(-1).grant, "G2");
  refuse("not_allowed");
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
  assert.equal(calls[0][2].code, "not_allowed");
  assert.equal(room.state, "unsubscribed");
  reconnect();
  assert.deepEqual(asked(), []);
});

test("Django's no is final, until the page asks again", () => {
  page.endpoint.willRefuse(403);
  subscribe();
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
  page.endpoint.willGrant("G1");
  subscribe();
  assert.equal(asked().length, 1);
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

test("a gateway that cannot say now is asked again, later and later", () => {
  subscribe({ grant: "G" });
  for (const ms of [4500, 4500]) {
    refuse("unavailable");
    const { length } = asked();
    page.clock.advance(ms - 1);
    assert.equal(asked().length, length);
    page.clock.advance(1);
    assert.equal(asked().length, length + 1);
  }
  assert.deepEqual(names(), []);
});

test("a grant endpoint in trouble is asked again", () => {
  page.endpoint.willRefuse(500);
  subscribe();
  page.endpoint.willGrant("G1");
  page.clock.advance(500);
  assert.equal(asked()[0].grant, "G1");
});

test("a channel that is taken away stays away, and its grant is forgotten", () => {
  const room = enter();
  page.socket.deliver({ type: "unsubscribed", channel: "room:7" });
  assert.deepEqual([names(), room.state], [["room unsubscribed", "unsubscribed"], "unsubscribed"]);
  reconnect();
  assert.deepEqual([asked(), page.socket.sent[0].recover], [[], {}]);
  page.endpoint.willRefuse(403);
  subscribe();
  assert.equal(page.endpoint.asked.length, 2);
});
