/** Refusals that the page does not handle. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Client } from "../../src/core/client.js";
import { FakePage } from "../fakes/page.js";

const REFUSAL = { code: "not_allowed", message: "you may not publish here" };
const FRAME = { type: "error", ...REFUSAL, channel: "room:7" };

let errors, page, room, rt;

beforeEach(() => {
  errors = [];
  page = new FakePage();
  page.endpoint.willGrant("G1");
  rt = new Client(page.parts);
  room = rt.subscribe("room:7");
  page.clock.advance(0);
  page.welcome();
});

const listen = () => rt.on("error", (...given) => errors.push(given));
const refuse = () =>
  page.socket.deliver({ type: "error", ...REFUSAL, reply_to: page.socket.sent.at(-1).id });

/** Refuse the channel, and then its second grant. */
function refuseSubscription() {
  page.endpoint.willGrant("G2");
  refuse();
  refuse();
}

test("a refused publish without a callback is an error", () => {
  listen();
  room.publish("client-said", 1);
  refuse();
  assert.deepEqual(errors, [["not_allowed", FRAME]]);
  assert.deepEqual(page.warned, []);
});

test("a publish without a connection is an error", () => {
  listen();
  page.socket.end(1006);
  room.publish("client-said", 1);
  page.clock.advance(0);
  assert.deepEqual(errors.map(([code, { channel }]) => [code, channel]), [["not_connected", "room:7"]]);
});

test("a confirmed publish, and one with a callback, are no errors", () => {
  listen();
  room.publish("client-said", 1, () => undefined);
  refuse();
  room.publish("client-said", 1);
  page.socket.deliver({ type: "published", channel: "room:7", reply_to: page.socket.sent.at(-1).id });
  assert.deepEqual(errors, []);
});

test("a refused channel is an error", () => {
  listen();
  refuseSubscription();
  assert.deepEqual(errors, [["not_allowed", FRAME]]);
  assert.equal(room.state, "unsubscribed");
});

for (const [whose, on] of [["subscription's", () => room], ["client's", () => rt]]) {
  test(`a refused channel is no error with a handler of the ${whose}`, () => {
    listen();
    on().on("unsubscribed", () => undefined);
    refuseSubscription();
    assert.deepEqual([errors, page.warned], [[], []]);
  });
}

test("a subscription's handler receives the refusals of its channel, and no others", () => {
  const other = rt.subscribe("room:8", { grant: null });
  const received = { room: [], other: [] };
  room.on("error", (...given) => received.room.push(given));
  other.on("error", (...given) => received.other.push(given));
  room.publish("client-said", 1);
  refuse();
  assert.deepEqual(received, { room: [["not_allowed", FRAME]], other: [] });
  assert.deepEqual(page.warned, []);
});

test("a subscription's handler receives the refusal of its channel", () => {
  room.on("error", (...given) => errors.push(given));
  refuseSubscription();
  assert.deepEqual(errors, [["not_allowed", FRAME]]);
});

test("the handlers of a subscription and of the client both receive a refusal", () => {
  listen();
  room.on("error", (...given) => errors.push(given));
  room.publish("client-said", 1);
  refuse();
  assert.deepEqual(errors, [["not_allowed", FRAME], ["not_allowed", FRAME]]);
});

test("without a handler, an error is a warning, and a repeated one is left out", () => {
  for (const _ of [1, 2]) {
    room.publish("client-said", 1);
    refuse();
  }
  page.socket.deliver({ type: "error", code: "bad_frame", message: "not JSON" });
  assert.deepEqual(page.warned, [
    "refused: room:7 not_allowed, you may not publish here",
    "refused:  bad_frame, not JSON",
  ]);
});
