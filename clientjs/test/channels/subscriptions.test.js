import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import {
  answer, sentFrames, calls, confirm, enter, forget, load, names, page, publish, reconnect, record,
  refuse, rt, run, start, subscribe,
} from "../fakes/room.js";

beforeEach(() => start());

// Subscribing.

test("a channel is requested with a fetched grant", () => {
  page.endpoint.willGrant("G1");
  const room = subscribe();
  assert.deepEqual(sentFrames(), [{ type: "subscribe", channel: "room:7", id: 1, grant: "G1" }]);
  assert.deepEqual([room.state, names()], ["subscribing", []]);
  confirm();
  assert.deepEqual([room.state, names()], ["subscribed", ["room subscribed", "subscribed"]]);
});

for (const grant of ["mine", null]) {
  test(`a grant in the options saves the request: ${grant}`, () => {
    subscribe({ grant });
    assert.equal(sentFrames()[0].grant, grant ?? undefined);
    assert.deepEqual(page.endpoint.urls, []);
  });
}

test("unsubscribing drops the grant", () => {
  page.endpoint.willGrant("G1");
  subscribe().unsubscribe();
  page.endpoint.willGrant("G2");
  subscribe();
  assert.equal(sentFrames().at(-1).grant, "G2");
});

test("a grant stays while another subscription holds the channel", () => {
  page.endpoint.willGrant("G1");
  const room = subscribe();
  subscribe();
  room.unsubscribe();
  reconnect({});
  assert.equal(sentFrames()[0].grant, "G1");
});

test("a subscription before the connection is requested once connected", () => {
  load();
  subscribe();
  assert.equal(page.endpoint.urls.length, 1);
  page.welcome();
  assert.deepEqual(sentFrames(), []);
  page.endpoint.answer(200, { grant: "G1" });
  assert.equal(sentFrames()[0].channel, "room:7");
  assert.equal(page.endpoint.urls.length, 1);
});

// Before the gateway has accepted.

const GRANTS = { "room:7": { grant: "G7", expires_in: 60 }, "room:8": { grant: null } };

test("a channel whose grant the page carries is requested right behind the connect frame", () => {
  load({ grants: GRANTS });
  for (const channel of ["room:7", "room:8", "user:7", "group:a", "broadcast"]) subscribe({}, channel);
  assert.equal(page.sockets.length, 1);
  page.socket.accept();
  assert.deepEqual(sentFrames(), [
    { type: "subscribe", channel: "room:7", id: 1, grant: "G7" },
    { type: "subscribe", channel: "room:8", id: 2 },
  ]);
  assert.deepEqual(page.endpoint.urls, []);
  page.welcome();
  assert.equal(sentFrames().filter(({ channel }) => channel === "room:7").length, 1);
  page.socket.deliver({ type: "subscribed", channel: "room:7", reply_to: 1 });
  assert.deepEqual(calls.at(-1).slice(0, 2), ["subscribed", "room:7"]);
});

test("a grant is fetched while the connection opens, and its channel is requested early", () => {
  load();
  page.endpoint.willGrant("G1");
  subscribe();
  page.socket.accept();
  assert.deepEqual(sentFrames().map(({ grant }) => grant), ["G1"]);
});

test("a channel of the first tick of greeting is requested early, one without a grant is not", () => {
  load({ grants: GRANTS });
  run();
  page.socket.accept();
  subscribe({}, "room:7");
  subscribe({}, "room:9");
  assert.deepEqual(sentFrames().map(({ channel }) => channel), ["room:7"]);
  page.endpoint.willGrant("G9");
  page.welcome({ channels: {} });
  assert.deepEqual(sentFrames().map(({ channel }) => channel), ["room:7", "room:9"]);
});

test("a grant that Django refuses while the connection opens is asked for once", () => {
  load();
  page.endpoint.willRefuse(403);
  const room = subscribe();
  page.welcome();
  assert.equal(page.endpoint.urls.length, 1);
  assert.equal(room.state, "unsubscribed");
  assert.deepEqual(names(), ["room unsubscribed", "unsubscribed"]);
});

test("grants are not requested again at each attempt to connect", () => {
  load();
  page.endpoint.willRefuse(503);
  subscribe();
  for (let attempt = 0; attempt < 4; attempt++) {
    page.socket.end(1002);
    page.clock.advance(30000);
  }
  assert.equal(page.endpoint.urls.length, 1);
});

test("an early request on a connection that is lost is repeated on the next one", () => {
  load({ grants: GRANTS });
  const room = subscribe();
  page.socket.accept();
  page.socket.end(1006);
  page.clock.advance(1000);
  page.socket.accept();
  assert.deepEqual(sentFrames(), [{ type: "subscribe", channel: "room:7", id: 2, grant: "G7" }]);
  page.welcome();
  confirm();
  assert.equal(room.state, "subscribed");
});

test("the gateway receives no more early requests than it keeps", () => {
  const rooms = Array.from({ length: 60 }, (_, number) => `room:${number}`);
  load({ grants: Object.fromEntries(rooms.map((room) => [room, { grant: "G" }])) });
  for (const room of rooms) subscribe({}, room);
  page.socket.accept();
  assert.equal(sentFrames().length, 50);
  page.welcome();
  assert.deepEqual(sentFrames().map(({ channel }) => channel).sort(), rooms.sort());
});

for (const recover of [20, "all"]) {
  test(`a page may ask for the newest publications: ${recover}`, () => {
    subscribe({ grant: "G", recover });
    assert.deepEqual(sentFrames()[0].recover, recover);
    confirm({ epoch: "k3", offset: 7, recovered: true });
    publish(8);
    assert.ok(!names().includes("gap"));
    reconnect({});
    assert.deepEqual(sentFrames()[0].recover, ["k3", 8]);
  });
}

test("the newest publications of an automatic channel come with the connect", () => {
  load();
  rt.subscribe("user:7", { recover: 3 });
  run();
  page.welcome();
  assert.deepEqual(page.socket.sent[0].recover, { "user:7": 3 });
});

test("a page may set the position to recover from", () => {
  subscribe({ grant: "G", recover: ["k3", 7] });
  assert.deepEqual(sentFrames()[0].recover, ["k3", 7]);
  confirm({ epoch: "k3", offset: 9, recovered: true });
  for (const offset of [8, 9, 9, 10]) publish(offset);
  assert.deepEqual(calls.filter(([name]) => name === "room news").map(([, n]) => n), [8, 9, 10]);
  assert.equal(names().includes("gap"), false);
});

test("a server-side channel is not requested", () => {
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

// Receiving.

test("publications call the handlers of the subscription and of the client", () => {
  enter();
  rt.on("news", record("news"));
  publish(43);
  publish(1, "user:7");
  assert.deepEqual(calls.map(([name, data]) => [name, data]), [
    ["news", 43], ["room news", 43], ["news", 1],
  ]);
});

for (const type of ["join", "leave"]) {
  test(`a ${type} frame is emitted`, () => {
    enter();
    const frame = { type, channel: "room:7", user: "8" };
    page.socket.deliver(frame);
    assert.deepEqual(calls, [[`room ${type}`, "room:7", frame], [type, "room:7", frame]]);
  });
}

test("a gap frame with a new epoch sets the position", () => {
  enter();
  page.socket.deliver({ type: "gap", channel: "room:7", epoch: "k4", offset: 2 });
  for (const offset of [2, 3]) publish(offset);
  assert.deepEqual(names(), ["room gap", "gap", "room news"]);
});

test("a gap frame without an offset keeps the position", () => {
  enter();
  page.socket.deliver({ type: "gap", channel: "room:7" });
  publish(43);
  assert.deepEqual(names(), ["room gap", "gap", "room news"]);
});

// Presence.

test("presence without a callback is emitted, and so is its refusal", () => {
  const room = enter();
  for (const ask of [() => room.presence(), () => rt.presence("room:7")]) {
    forget();
    ask();
    answer({ type: "presence", channel: "room:7", users: {}, anonymous: 1 });
    ask();
    refuse("not_allowed");
    assert.deepEqual(names(), ["room presence", "presence", "room error", "error"]);
    assert.deepEqual(calls.at(-1)[2], { type: "error", code: "not_allowed", message: "no", channel: "room:7" });
  }
});

test("presence calls back and is emitted", () => {
  const room = enter();
  room.presence(record("callback"));
  const { type, channel } = sentFrames().at(-1);
  assert.deepEqual([type, channel], ["presence", "room:7"]);
  answer({ type: "presence", channel: "room:7", users: { 7: 2 }, anonymous: 1 });
  assert.deepEqual(names(), ["callback", "room presence", "presence"]);
  assert.deepEqual(calls[0][2].users, { 7: 2 });
});

test("presence can be refused", () => {
  rt.presence("room:8", record("callback"));
  refuse("not_allowed");
  assert.deepEqual(calls.map(([name, { code }]) => [name, code]), [["callback", "not_allowed"]]);
});

test("presence fails without a connection, and when it is lost", () => {
  rt.presence("room:7", record("callback"));
  page.socket.end(1006);
  rt.presence("room:7", record("callback"));
  assert.equal(calls.length, 1);
  run();
  const codes = calls.map(([, { code }]) => code);
  assert.deepEqual(codes, ["not_connected", "not_connected"]);
});

// Publishing.

test("a page publishes on its channel, and receives the offset", () => {
  const room = enter();
  room.publish("client-said", { text: "hello" }, record("callback"));
  assert.deepEqual(sentFrames().at(-1), {
    type: "publish", channel: "room:7", event: "client-said", data: { text: "hello" }, id: 2,
  });
  answer({ type: "published", channel: "room:7", offset: 43 });
  assert.deepEqual(calls.map(([name, refusal, { offset }]) => [name, refusal, offset]), [["callback", null, 43]]);
});

test("a refused publication calls the callback, or is an error without one", () => {
  const room = enter();
  room.publish("client-said", 1, record("callback"));
  refuse("not_allowed");
  room.publish("client-said");
  refuse("not_allowed");
  assert.deepEqual(calls.slice(0, 1).map(([name, { code }]) => [name, code]), [["callback", "not_allowed"]]);
  assert.deepEqual(calls.slice(1).map(([name, code]) => [name, code]), [
    ["room error", "not_allowed"], ["error", "not_allowed"],
  ]);
  assert.throws(() => room.publish({ event: "client-said" }), TypeError);
});

test("publishing fails without a connection", () => {
  const room = enter();
  page.socket.end(1006);
  room.publish("client-said", 1, record("callback"));
  run();
  assert.deepEqual(calls.map(([name, { code }]) => [name, code]), [["callback", "not_connected"]]);
});

// Leaving.

test("the only subscription unsubscribes from the channel", () => {
  const room = enter();
  room.unsubscribe();
  room.unsubscribe();
  assert.deepEqual(sentFrames().slice(1), [{ type: "unsubscribe", channel: "room:7", id: 2 }]);
  publish(43);
  answer({ type: "unsubscribed", channel: "room:7" });
  assert.deepEqual(names(), ["unsubscribed"]);
  reconnect();
  assert.deepEqual([sentFrames(), page.socket.sent[0].recover], [[], {}]);
});

test("subscriptions share one request, and the last one unsubscribes", () => {
  const room = enter();
  const second = subscribe();
  assert.deepEqual([sentFrames().length, second.state, names()], [1, "subscribed", ["room subscribed"]]);
  room.unsubscribe();
  forget();
  publish(43);
  assert.deepEqual([sentFrames().length, names()], [1, ["room news"]]);
  second.unsubscribe();
  assert.equal(sentFrames().length, 2);
});

test("responses to unsubscribe and a new subscribe are not confused", () => {
  let room = enter();
  room.unsubscribe();
  room = subscribe({ recover: ["k3", 40] });
  page.socket.deliver({ type: "unsubscribed", channel: "room:7", reply_to: 2 });
  assert.equal(room.state, "subscribing");
  confirm({ epoch: "k3", offset: 42, recovered: true });
  publish(41);
  assert.deepEqual(names(), ["room subscribed", "subscribed", "room news"]);
});

test("a subscription that ends at once is never requested", () => {
  rt.subscribe("room:7").unsubscribe();
  run();
  assert.deepEqual(page.endpoint.urls, []);
});

test("a handler may unsubscribe or close during its call", () => {
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
  test(`a channel may have the name ${channel}`, () => {
    page.endpoint.willGrant("G");
    const room = subscribe({}, channel);
    answer({ type: "subscribed", channel });
    assert.equal(room.state, "subscribed");
    publish(1, channel);
    assert.equal(names().at(-1), "room news");
  });
}
