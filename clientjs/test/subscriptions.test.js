import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  answer, asked, calls, confirm, enter, forget, load, names, page, publish, reconnect, record,
  refuse, rt, run, start, subscribe,
} from "./fakes/room.js";

beforeEach(() => start());

// The way in.

test("a channel is asked for with a grant that was fetched", () => {
  page.endpoint.willGrant("G1");
  const room = subscribe();
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
  load();
  page.endpoint.willGrant("G1");
  subscribe();
  assert.equal(page.endpoint.asked.length, 0);
  page.welcome();
  assert.equal(asked()[0].channel, "room:7");
});

test("a page may name the place where it begins", () => {
  subscribe({ grant: "G", recover: ["k3", 7] });
  assert.deepEqual(asked()[0].recover, ["k3", 7]);
  confirm({ epoch: "k3", offset: 9, recovered: true });
  for (const offset of [8, 9, 9, 10]) publish(offset);
  assert.deepEqual(calls.filter(([name]) => name === "room news").map(([, n]) => n), [8, 9, 10]);
  assert.equal(names().includes("gap"), false);
});

test("a channel that is given without asking is not asked for", () => {
  const room = subscribe({}, "group:editors");
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
  const room = enter();
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

// Publishing.

test("a page publishes on a channel that it hears, and is told where", () => {
  const room = enter();
  room.publish("client-said", { text: "hello" }, record("callback"));
  assert.deepEqual(asked().at(-1), {
    type: "publish", channel: "room:7", event: "client-said", data: { text: "hello" }, id: 2,
  });
  answer({ type: "published", channel: "room:7", offset: 43 });
  assert.deepEqual(calls.map(([name, refusal, { offset }]) => [name, refusal, offset]), [["callback", null, 43]]);
});

test("what may not be published is refused, to whoever asks and quietly to others", () => {
  const room = enter();
  room.publish("client-said", 1, record("callback"));
  refuse("not_allowed");
  room.publish("client-said");
  refuse("not_allowed");
  assert.deepEqual(calls.map(([name, { code }]) => [name, code]), [["callback", "not_allowed"]]);
  assert.throws(() => room.publish({ event: "client-said" }), TypeError);
});

test("without a connection nothing is published, and that is said", () => {
  const room = enter();
  page.socket.end(1006);
  room.publish("client-said", 1, record("callback"));
  run();
  assert.deepEqual(calls.map(([name, { code }]) => [name, code]), [["callback", "not_connected"]]);
});

// Leaving.

test("a subscription that lets go leaves the channel", () => {
  const room = enter();
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
  const room = enter();
  const second = subscribe();
  assert.deepEqual([asked().length, second.state, names()], [1, "subscribed", ["room subscribed"]]);
  room.unsubscribe();
  forget();
  publish(43);
  assert.deepEqual([asked().length, names()], [1, ["room news"]]);
  second.unsubscribe();
  assert.equal(asked().length, 2);
});

test("left and asked for again, the answers do not cross", () => {
  let room = enter();
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
  let room = enter();
  const second = subscribe();
  room.on("news", () => room.unsubscribe() || second.unsubscribe());
  publish(43);
  room = enter();
  rt.on("subscribed", () => rt.close());
  reconnect();
  confirm();
  assert.equal(rt.state, "closed");
  assert.equal(room.state, "subscribing");
});

for (const channel of ["constructor", "__proto__", "toString"]) {
  test(`a channel called ${channel} is one like any other`, () => {
    page.endpoint.willGrant("G");
    const room = subscribe({}, channel);
    answer({ type: "subscribed", channel });
    assert.equal(room.state, "subscribed");
    publish(1, channel);
    assert.equal(names().at(-1), "room news");
  });
}
