import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Client } from "../src/client.js";
import { FakePage } from "./fakes/page.js";

let calls, page, room, rt;

const record = (name) => (first, second) => calls.push([name, first, second]);
const names = () => calls.map(([name]) => name);
const run = () => page.clock.advance(0);
const EVENTS = ["subscribed", "unsubscribed", "gap", "join", "leave", "presence", "error"];

/** Begin on a page with these settings, and hear everything. */
function start(settings) {
  calls = [];
  page = new FakePage(settings);
  rt = new Client(page.parts);
  run();
  page.welcome();
  for (const event of EVENTS) rt.on(event, record(event));
}

function subscribe(options, channel = "room:7") {
  const subscription = rt.subscribe(channel, options);
  for (const event of [...EVENTS, "news"]) subscription.on(event, record(`room ${event}`));
  run();
  return subscription;
}

const asked = () => page.socket.sent.slice(1);
const answer = (more) => page.socket.deliver({ ...more, reply_to: page.socket.sent.at(-1).id });
const confirm = (more = {}) => answer({ type: "subscribed", channel: "room:7", ...more });
const refuse = (code) => answer({ type: "error", code, message: "no" });

function publish(offset, channel = "room:7") {
  page.socket.deliver({ channel, data: { event: "news", data: offset }, offset });
}

function reconnect(more) {
  page.socket.end(1006);
  page.clock.advance(500);
  page.welcome(more);
}

/** Be subscribed to room:7, up to offset 42. */
function enter() {
  page.endpoint.willGrant("G1");
  room = subscribe();
  confirm({ epoch: "k3", offset: 42 });
  calls = [];
}

beforeEach(() => start());

// The way in.

test("a channel is asked for with a grant that was fetched", () => {
  page.endpoint.willGrant("G1");
  room = subscribe();
  assert.deepEqual(asked(), [{ type: "subscribe", channel: "room:7", id: 1, grant: "G1" }]);
  assert.deepEqual([room.state, names()], ["subscribing", []]);
  confirm();
  assert.deepEqual([room.state, names()], ["subscribed", ["room subscribed", "subscribed"]]);
});

for (const grant of ["mine", null]) {
  test(`a grant that the page gives saves the request: ${grant}`, () => {
    subscribe({ grant });
    assert.equal(asked()[0].grant, grant ?? undefined);
    assert.deepEqual(page.endpoint.asked, []);
  });
}

test("asked for before there is a connection, it waits for one", () => {
  page = new FakePage();
  rt = new Client(page.parts);
  page.endpoint.willGrant("G1");
  room = subscribe();
  assert.equal(page.endpoint.asked.length, 0);
  page.welcome();
  assert.equal(asked()[0].channel, "room:7");
});

test("a page may name the place where it begins", () => {
  room = subscribe({ grant: "G", recover: ["k3", 7] });
  assert.deepEqual(asked()[0].recover, ["k3", 7]);
  confirm({ epoch: "k3", offset: 9, recovered: true });
  for (const offset of [8, 9, 9, 10]) publish(offset);
  assert.deepEqual(calls.filter(([name]) => name === "room news").map(([, n]) => n), [8, 9, 10]);
  assert.equal(names().includes("gap"), false);
});

test("a channel that is given without asking is not asked for", () => {
  room = subscribe({}, "group:editors");
  page.socket.deliver({ type: "subscribed", channel: "group:editors", epoch: "k3", offset: 4 });
  assert.equal(room.state, "subscribed");
  reconnect({ channels: { "group:editors": { epoch: "k3", offset: 5, recovered: true } } });
  assert.deepEqual(page.socket.sent.map(({ type }) => type), ["connect"]);
  assert.deepEqual(page.socket.sent[0].recover, { "group:editors": ["k3", 4] });
  assert.equal(room.state, "subscribed");
  room.unsubscribe();
  assert.equal(page.socket.sent.length, 1);
});

// What comes.

test("publications reach those of the channel, and the page", () => {
  enter();
  rt.on("news", record("news"));
  publish(43);
  publish(1, "user:7");
  assert.deepEqual(calls.map(([name, data]) => [name, data]), [
    ["news", 43], ["room news", 43], ["news", 1],
  ]);
});

for (const type of ["join", "leave"]) {
  test(`a ${type} is told`, () => {
    enter();
    const frame = { type, channel: "room:7", user: "8" };
    page.socket.deliver(frame);
    assert.deepEqual(calls, [[`room ${type}`, "room:7", frame], [type, "room:7", frame]]);
  });
}

test("a new epoch is a gap, and goes on from there", () => {
  enter();
  page.socket.deliver({ type: "gap", channel: "room:7", epoch: "k4", offset: 2 });
  for (const offset of [2, 3]) publish(offset);
  assert.deepEqual(names(), ["room gap", "gap", "room news"]);
});

test("a gap of what has no offset leaves the position", () => {
  enter();
  page.socket.deliver({ type: "gap", channel: "room:7" });
  publish(43);
  assert.deepEqual(names(), ["room gap", "gap", "room news"]);
});

// Presence.

test("presence is asked for and told", () => {
  enter();
  room.presence(record("callback"));
  const { type, channel } = asked().at(-1);
  assert.deepEqual([type, channel], ["presence", "room:7"]);
  answer({ type: "presence", channel: "room:7", users: { 7: 2 }, anonymous: 1 });
  assert.deepEqual(names(), ["callback", "room presence", "presence"]);
  assert.deepEqual(calls[0][2].users, { 7: 2 });
});

test("presence may be refused", () => {
  rt.presence("room:8", record("callback"));
  refuse("not_allowed");
  assert.deepEqual(calls.map(([name, { code }]) => [name, code]), [["callback", "not_allowed"]]);
});

test("without a connection, or when it is lost, presence says so", () => {
  rt.presence("room:7", record("callback"));
  page.socket.end(1006);
  rt.presence("room:7", record("callback"));
  assert.equal(calls.length, 1);
  run();
  const codes = calls.map(([, { code }]) => code);
  assert.deepEqual(codes, ["not_connected", "not_connected"]);
});

// Coming back.

test("on the way back it asks again by itself, from where it was, with the same grant", () => {
  enter();
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
  calls = [];
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
  room = subscribe();
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
  enter();
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
  room = subscribe();
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
  enter();
  page.socket.deliver({ type: "unsubscribed", channel: "room:7" });
  assert.deepEqual([names(), room.state], [["room unsubscribed", "unsubscribed"], "unsubscribed"]);
  reconnect();
  assert.deepEqual([asked(), page.socket.sent[0].recover], [[], {}]);
  page.endpoint.willRefuse(403);
  subscribe();
  assert.equal(page.endpoint.asked.length, 2);
});

// Leaving.

test("a subscription that lets go leaves the channel", () => {
  enter();
  room.unsubscribe();
  room.unsubscribe();
  assert.deepEqual(asked().slice(1), [{ type: "unsubscribe", channel: "room:7", id: 2 }]);
  publish(43);
  answer({ type: "unsubscribed", channel: "room:7" });
  assert.deepEqual(names(), ["unsubscribed"]);
  reconnect();
  assert.deepEqual([asked(), page.socket.sent[0].recover], [[], {}]);
});

test("the channel is asked for once, and left with the last subscription", () => {
  enter();
  const second = subscribe();
  assert.deepEqual([asked().length, second.state, names()], [1, "subscribed", ["room subscribed"]]);
  room.unsubscribe();
  calls = [];
  publish(43);
  assert.deepEqual([asked().length, names()], [1, ["room news"]]);
  second.unsubscribe();
  assert.equal(asked().length, 2);
});

test("left and asked for again, the answers do not cross", () => {
  enter();
  room.unsubscribe();
  room = subscribe({ recover: ["k3", 40] });
  page.socket.deliver({ type: "unsubscribed", channel: "room:7", reply_to: 2 });
  assert.equal(room.state, "subscribing");
  confirm({ epoch: "k3", offset: 42, recovered: true });
  publish(41);
  assert.deepEqual(names(), ["room subscribed", "subscribed", "room news"]);
});

test("let go before it began, it is never asked for", () => {
  rt.subscribe("room:7").unsubscribe();
  run();
  assert.deepEqual(page.endpoint.asked, []);
});

test("a handler may let go, or close, while others are being told", () => {
  enter();
  const second = subscribe();
  room.on("news", () => room.unsubscribe() || second.unsubscribe());
  publish(43);
  enter();
  rt.on("subscribed", () => rt.close());
  reconnect();
  confirm();
  assert.equal(rt.state, "closed");
  assert.equal(room.state, "subscribing");
});

for (const channel of ["constructor", "__proto__", "toString"]) {
  test(`a channel called ${channel} is one like any other`, () => {
    page.endpoint.willGrant("G");
    room = subscribe({}, channel);
    answer({ type: "subscribed", channel });
    assert.equal(room.state, "subscribed");
    publish(1, channel);
    assert.equal(names().at(-1), "room news");
  });
}
