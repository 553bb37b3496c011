import assert from "node:assert/strict";
import { test } from "node:test";

import { AsyncRoom, settled } from "../fakes/asyncroom.js";

const PUBLISHED = { type: "published", channel: "room:7", offset: 3 };

/** All messages of a loop, and what ended it. */
async function drain(messages) {
  const received = [];
  try {
    for await (const { data } of messages) received.push(data);
  } catch (error) {
    return [received, error.code];
  }
  return [received, "done"];
}

test("ready waits for the subscription", async () => {
  const { room, answer } = AsyncRoom.connected();
  let isReady = false;
  const ready = room.ready().then(() => (isReady = true));
  await settled();
  assert.equal(isReady, false);
  answer({ type: "subscribed", channel: "room:7" });
  await ready;
  await room.ready();
});

test("ready is rejected with the code of the refusal", async () => {
  const { room, refuse } = AsyncRoom.connected();
  const rejected = assert.rejects(room.ready(), { code: "bad_channel", channel: "room:7" });
  refuse("bad_channel");
  await rejected;
  await assert.rejects(room.ready(), { code: "bad_channel" });
});

test("ready is rejected when the page unsubscribes, and when the client is closed", async () => {
  const { room, rt } = AsyncRoom.connected();
  const other = rt.subscribe("room:8");
  const rejected = [
    assert.rejects(room.ready(), { code: "unsubscribed" }),
    assert.rejects(other.ready(), { code: "closed", closeCode: 1000 }),
  ];
  room.unsubscribe();
  rt.close();
  await Promise.all(rejected);
  await assert.rejects(room.ready(), { code: "unsubscribed" });
});

test("presence and publish are promises", async () => {
  const { room, answer, page } = AsyncRoom.subscribed();
  const presence = room.presence();
  answer({ type: "presence", channel: "room:7", users: {}, anonymous: 4 });
  assert.equal((await presence).anonymous, 4);
  const published = room.publish("client-said", { text: "hi" });
  const { event, data } = page.socket.sent.at(-1);
  assert.deepEqual([event, data], ["client-said", { text: "hi" }]);
  answer(PUBLISHED);
  assert.equal((await published).offset, 3);
});

test("presence and publish call their callbacks instead", () => {
  const { room, answer, refuse } = AsyncRoom.subscribed();
  const given = [];
  const callback = (refusal, frame) => given.push([refusal?.code, frame?.offset]);
  assert.equal(room.publish("client-said", 1, callback), undefined);
  answer(PUBLISHED);
  assert.equal(room.presence(callback), undefined);
  refuse("unavailable");
  assert.deepEqual(given, [[undefined, 3], ["unavailable", undefined]]);
});

test("what presence shows is sent on each connection, and refused data never again", async () => {
  const { room, answer, refuse, page, run } = AsyncRoom.subscribed();
  const again = () => {
    page.socket.end(1006);
    page.clock.advance(500);
    page.welcome();
    run();
    answer({ type: "subscribed", channel: "room:7" });
    return page.socket.sent.filter(({ type }) => type === "set_presence").map(({ data }) => data);
  };
  const refused = assert.rejects(room.setPresence({ x: 1 }), { code: "presence_refused" });
  refuse("presence_refused");
  await refused;
  assert.deepEqual(again(), []);
  const accepted = room.setPresence({ x: 2 });
  answer({ type: "presence_set", channel: "room:7" });
  await accepted;
  room.setPresence({ x: 3 }).catch(() => {});
  refuse("too_many");
  assert.deepEqual(again(), [{ x: 2 }]);
  room.setPresence({ x: 4 }).catch(() => {});
  assert.deepEqual(again(), [{ x: 4 }]);
});

test("an awaited publish rejects, and emits no error", async () => {
  const { room, rt, refuse } = AsyncRoom.subscribed();
  const errors = [];
  rt.on("error", (code) => errors.push(code));
  const rejected = (async () => {
    await room.publish("client-said", 1);
  })();
  await settled();
  refuse("too_many");
  await assert.rejects(rejected, { name: "SockgateError", code: "too_many", channel: "room:7" });
  assert.deepEqual(errors, []);
});

test("a publish that nobody awaits emits its refusal, and is no unhandled rejection", async () => {
  const { room, rt, refuse } = AsyncRoom.subscribed();
  const errors = [];
  rt.on("error", (code, frame) => errors.push([code, frame.channel]));
  const unhandled = [];
  const note = (reason) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  const promise = room.publish("client-said", 1);
  refuse("too_many");
  await settled();
  process.off("unhandledRejection", note);
  assert.deepEqual([errors, unhandled], [[["too_many", "room:7"]], []]);
  await assert.rejects(promise, { code: "too_many" });
});

test("a publish without a connection is rejected", async () => {
  const { room, run } = new AsyncRoom();
  const rejected = assert.rejects(room.publish("client-said"), { code: "not_connected" });
  await settled();
  run();
  await rejected;
});

test("a loop receives the messages of its channel, kept while its body awaits", async () => {
  const { room, publish } = AsyncRoom.subscribed();
  const messages = room.messages();
  publish(1);
  publish("elsewhere", "user:7");
  const received = [];
  for await (const { data, event } of messages) {
    received.push([event, data]);
    if (data === 4) break;
    if (data === 1) [2, 3].forEach((data) => publish(data));
    if (data === 3) setImmediate(() => publish(4));
    await settled();
  }
  publish(5);
  assert.deepEqual(received.map(([, data]) => data), [1, 2, 3, 4]);
  assert.equal(received[0][0], "news");
  assert.deepEqual(await messages.next(), { value: undefined, done: true });
});

test("a loop goes on after a reconnect", async () => {
  const { room, publish, page, answer } = AsyncRoom.subscribed();
  const messages = room.messages();
  page.socket.end(1006);
  page.clock.advance(500);
  page.welcome();
  answer({ type: "subscribed", channel: "room:7" });
  publish(1);
  assert.equal((await messages.next()).value.data, 1);
});

test("a signal ends a loop at once", async () => {
  const { room, publish } = AsyncRoom.subscribed();
  const aborter = new AbortController();
  const messages = room.messages({ signal: aborter.signal });
  const drained = drain(messages);
  publish(1);
  await settled();
  aborter.abort();
  publish(2);
  assert.deepEqual(await drained, [[1], "done"]);
  assert.deepEqual(await drain(room.messages({ signal: aborter.signal })), [[], "done"]);
});

const ENDS = {
  "the page unsubscribes": [({ room }) => room.unsubscribe(), "done"],
  "the page closes the client": [({ rt }) => rt.close(), "done"],
  "the channel is taken away": [
    ({ page }) => page.socket.deliver({ type: "unsubscribed", channel: "room:7" }), "revoked",
  ],
  "the session ends": [({ page }) => page.socket.end(4500, "session ended"), "closed"],
};

for (const [what, [act, code]] of Object.entries(ENDS)) {
  test(`a loop delivers what it has, and ends when ${what}`, async () => {
    const it = AsyncRoom.subscribed();
    const [waiting, late] = [drain(it.room.messages()), it.room.messages()];
    it.publish(1);
    it.publish(2);
    act(it);
    assert.deepEqual([await waiting, await drain(late)], [[[1, 2], code], [[1, 2], code]]);
    assert.deepEqual(await late.next(), { value: undefined, done: true });
  });
}

test("a loop that is too slow ends with an error, after the messages that it has", async () => {
  const { room, publish } = AsyncRoom.subscribed();
  const messages = room.messages({ limit: 2 });
  [1, 2, 3, 4].forEach((data) => publish(data));
  assert.deepEqual(await drain(messages), [[1, 2], "overflow"]);
});

test("nothing is left behind by a loop", async () => {
  const { room, rt } = AsyncRoom.subscribed();
  const counts = () =>
    [room._events._of("*"), room._events._of("unsubscribed"), rt._parts.events._of("state"), [...room._onLeave]]
      .map(({ length }) => length);
  const before = counts();
  const messages = room.messages();
  assert.notDeepEqual(counts(), before);
  await messages.return();
  assert.deepEqual(counts(), before);
});

test("a room has a reason for users when it was rejected or taken away", () => {
  for (const [act, code] of [
    [({ refuse }) => refuse("not_allowed"), "not_allowed"],
    [({ refuse }) => refuse("bad_channel"), "bad_channel"],
    [({ page }) => page.socket.deliver({ type: "unsubscribed", channel: "room:7" }), "revoked"],
  ]) {
    const it = AsyncRoom.connected();
    it.page.endpoint.willGrant("G2");
    const given = [];
    it.room.on("unsubscribed", (channel, why) => given.push([channel, why]));
    act(it);
    // A rejected grant is replaced once.
    if (!given.length) act(it);
    const [[channel, why]] = given;
    assert.deepEqual([channel, why.channel, why.code], ["room:7", "room:7", code]);
    assert.match(why.reason, /^[A-Z].*\.$/);
    assert.ok(why.message);
  }
});

test("setPresence is a promise, and is sent again on every subscription", async () => {
  const { room, answer, refuse, page } = AsyncRoom.subscribed();
  const frames = () => page.socket.sent.filter(({ type }) => type === "set_presence");
  const set = room.setPresence({ editing: "title" });
  answer({ type: "presence_set", channel: "room:7" });
  assert.equal((await set).type, "presence_set");
  room.emit("subscribed", "room:7", { type: "subscribed" });
  assert.deepEqual(frames().map(({ channel, data }) => [channel, data]), [
    ["room:7", { editing: "title" }],
    ["room:7", { editing: "title" }],
  ]);
  answer({ type: "presence_set", channel: "room:7" });
  const rejected = assert.rejects(room.setPresence(null), { code: "not_allowed" });
  refuse("not_allowed");
  await rejected;
  assert.equal(frames().at(-1).data, null);
  room.emit("subscribed", "room:7", { type: "subscribed" });
  assert.equal(frames().length, 3);
});

test("presence with data and a callback sets it", () => {
  const { room, answer, page } = AsyncRoom.subscribed();
  const given = [];
  room.presence((refusal, frame) => given.push([refusal, frame.type]), { x: 1 });
  const { type, data } = page.socket.sent.at(-1);
  assert.deepEqual([type, data], ["set_presence", { x: 1 }]);
  answer({ type: "presence_set", channel: "room:7" });
  assert.deepEqual(given, [[null, "presence_set"]]);
});

test("changed data is an event", () => {
  const { room, page } = AsyncRoom.subscribed();
  const frame = { type: "presence_changed", channel: "room:7", user: "8", page_data: [{ x: 1 }] };
  const seen = [];
  room.on("presence_changed", (channel, changed) => seen.push(changed.page_data));
  page.socket.deliver(frame);
  assert.deepEqual(seen, [[{ x: 1 }]]);
});
