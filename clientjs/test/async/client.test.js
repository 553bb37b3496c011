import assert from "node:assert/strict";
import { test } from "node:test";

import { AsyncClient } from "../../src/async/client.js";
import { SockgateError } from "../../src/async/errors.js";
import { AsyncRoom, settled } from "../fakes/asyncroom.js";
import { FakePage } from "../fakes/page.js";

const DETAIL = { transport: "websocket", user: "7", connection: "c1" };

test("ready waits for the connection", async () => {
  const { rt, run, page } = new AsyncRoom();
  const ready = rt.ready();
  run();
  page.welcome();
  assert.deepEqual(await ready, DETAIL);
  assert.deepEqual(await rt.ready(), DETAIL);
});

test("ready waits for a client that is started later", async () => {
  const page = new FakePage();
  const rt = new AsyncClient({ ...page.parts, autoConnect: false });
  page.clock.advance(1e6);
  assert.deepEqual([rt.state, page.sockets.length], ["closed", 0]);
  rt.connect();
  const ready = rt.ready();
  page.clock.advance(0);
  page.welcome();
  assert.deepEqual(await ready, DETAIL);
});

test("ready is rejected while the client is not started", async () => {
  const rt = new AsyncClient({ ...new FakePage().parts, autoConnect: false });
  await assert.rejects(rt.ready(), { code: "closed", message: /not started/ });
});

test("ready waits through an interruption and a reconnect", async () => {
  const { rt, page } = AsyncRoom.connected();
  page.socket.deliver({ type: "interrupted" });
  const ready = rt.ready();
  page.socket.end(1006);
  page.clock.advance(500);
  page.welcome({ connection: "c2" });
  assert.equal((await ready).connection, "c2");
});

test("ready is rejected after its time limit", async () => {
  const { rt, page } = new AsyncRoom();
  const ready = rt.ready({ timeout: 3000 });
  page.clock.advance(2999);
  page.clock.advance(1);
  const error = await ready.catch((error) => error);
  assert.ok(error instanceof SockgateError && error instanceof Error);
  assert.deepEqual([error.name, error.code], ["SockgateError", "timeout"]);
  assert.match(error.message, /3000 ms/);
});

test("ready is rejected with the reason of its signal", async () => {
  const { rt } = new AsyncRoom();
  const aborter = new AbortController();
  const ready = rt.ready({ signal: aborter.signal });
  aborter.abort(new Error("the component is gone"));
  await assert.rejects(ready, /the component is gone/);
  await assert.rejects(rt.ready({ signal: aborter.signal }), /the component is gone/);
});

test("ready is rejected with the close code when the client is closed", async () => {
  const { rt, page, run } = new AsyncRoom();
  const ready = rt.ready();
  run();
  page.socket.accept();
  page.socket.end(4500, "session ended");
  const closed = { code: "closed", closeCode: 4500, message: "the client is closed: 4500 session ended" };
  await assert.rejects(ready, closed);
  await assert.rejects(rt.ready(), closed);
});

test("ready is rejected when the page closes the client before it has started", async () => {
  const { rt } = new AsyncRoom();
  const ready = rt.ready();
  rt.close();
  await assert.rejects(ready, { closeCode: 1000 });
});

test("no handler is left behind by ready", async () => {
  const { rt, run, page } = new AsyncRoom();
  const handlers = () => rt._parts.events._of("state").length;
  const before = handlers();
  const ready = rt.ready();
  assert.equal(handlers(), before + 1);
  run();
  page.welcome();
  await ready;
  await settled();
  assert.equal(handlers(), before);
});

test("presence of a channel is a promise, or calls a callback", async () => {
  const { rt, answer, page } = AsyncRoom.connected();
  const frame = { type: "presence", channel: "room:9", users: { 7: 2 }, anonymous: 0 };
  const promised = rt.presence("room:9");
  assert.equal(page.socket.sent.at(-1).channel, "room:9");
  answer(frame);
  assert.deepEqual((await promised).users, { 7: 2 });
  const given = [];
  assert.equal(rt.presence("room:9", (...args) => given.push(args)), undefined);
  answer(frame);
  assert.deepEqual([given[0][0], given[0][1].users], [null, { 7: 2 }]);
});

test("presence of what is no channel name rejects", async () => {
  const { rt } = AsyncRoom.connected();
  await assert.rejects(rt.presence("room 9"), { name: "TypeError", message: /room 9/ });
});

test("a refused presence rejects with code and channel", async () => {
  const { rt, refuse } = AsyncRoom.connected();
  const promised = rt.presence("room:9");
  await settled();
  const rejected = assert.rejects(promised, {
    name: "SockgateError", code: "not_allowed", message: "room:9: no", channel: "room:9",
  });
  refuse("not_allowed");
  await rejected;
});

test("a loop of the client receives the messages of all channels, until it is closed", async () => {
  const { rt, publish } = AsyncRoom.connected();
  const messages = rt.messages();
  publish(1, "user:7");
  publish(2, "broadcast");
  rt.close();
  const received = [];
  for await (const { channel, data } of messages) received.push([channel, data]);
  assert.deepEqual(received, [["user:7", 1], ["broadcast", 2]]);
});
