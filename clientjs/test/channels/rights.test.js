import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Client } from "../../src/core/client.js";
import { FakePage } from "../fakes/page.js";

let calls, page, room, rt;

const EVENTS = ["subscribed", "unsubscribed", "gap", "news"];
const names = () => calls.map(([name]) => name);
const sentFrames = () => page.socket.sent.slice(1);
const answer = (more) => page.socket.deliver({ ...more, reply_to: page.socket.sent.at(-1).id });
const confirm = (more) => answer({ type: "subscribed", channel: "room:7", ...more });
const refuse = () => answer({ type: "error", code: "not_allowed", message: "no" });
const refreshed = (more) => page.socket.deliver({ type: "refreshed", user: "7", ...more });
const publish = (offset) => page.socket.deliver({ channel: "room:7", data: offset, offset });
const takeAway = () =>
  page.socket.deliver({ type: "unsubscribed", channel: "room:7", reason: "rights_changed" });

function subscribe(options) {
  const subscription = rt.subscribe("room:7", options);
  for (const event of [...EVENTS, "message"])
    subscription.on(event, (first) => calls.push([event, first]));
  page.clock.advance(0);
  return subscription;
}

function start(settings) {
  calls = [];
  page = new FakePage(settings);
  rt = new Client(page.parts);
  page.clock.advance(0);
  page.welcome({ rights: "r1" });
}

function reconnect(more) {
  page.socket.end(1006);
  page.clock.advance(500);
  page.welcome(more);
}

/** Subscribe to room:7, up to offset 42. */
function enter(options) {
  page.endpoint.willGrant("G1");
  room = subscribe(options);
  confirm({ epoch: "k3", offset: 42 });
  calls = [];
}

beforeEach(() => start());

test("a user who keeps the right subscribes with a fresh grant, and loses nothing", () => {
  enter();
  publish(43);
  page.endpoint.willGrant("G2");
  refreshed({ rights: "r2" });
  takeAway();
  assert.equal(room.state, "subscribing");
  const { id, ...question } = sentFrames().at(-1);
  assert.equal(sentFrames().length, 2);
  assert.deepEqual(question, {
    type: "subscribe", channel: "room:7", grant: "G2", recover: ["k3", 43],
  });
  confirm({ epoch: "k3", offset: 44, recovered: true });
  for (const offset of [44, 44, 45]) publish(offset);
  assert.deepEqual(calls.map(([name, first]) => (name === "message" ? first : name)), [
    43, "subscribed", 44, 45,
  ]);
});

test("publications that could not be recovered meanwhile are a gap", () => {
  enter();
  page.endpoint.willGrant("G2");
  takeAway();
  confirm({ epoch: "k4", offset: 1, recovered: false });
  assert.deepEqual(names(), ["subscribed", "gap"]);
});

test('a user who loses the right receives one "unsubscribed"', () => {
  enter();
  page.endpoint.willRefuse(403);
  refreshed({ rights: "r2" });
  takeAway();
  assert.deepEqual([names(), room.state], [["unsubscribed"], "unsubscribed"]);
  assert.equal(sentFrames().length, 1);
  reconnect({ rights: "r2" });
  assert.deepEqual([sentFrames(), page.socket.sent[0].recover], [[], {}]);
});

test("a user who gains the right is subscribed to the rejected channel", () => {
  page.endpoint.willRefuse(403);
  room = subscribe();
  assert.equal(room.state, "unsubscribed");
  page.endpoint.willGrant("G1");
  refreshed({ rights: "r2" });
  assert.equal(room.state, "subscribing");
  confirm();
  publish(1);
  assert.deepEqual(names(), ["unsubscribed", "subscribed", "message"]);
});

test("a right that is gained while disconnected takes effect on reconnect", () => {
  page.endpoint.willRefuse(403);
  room = subscribe();
  page.endpoint.willGrant("G1");
  reconnect({ rights: "r2" });
  confirm();
  assert.equal(room.state, "subscribed");
});

test("a rejected channel is not requested again while the rights are the same", () => {
  page.endpoint.willRefuse(403);
  room = subscribe();
  refreshed({ rights: "r1" });
  reconnect({ rights: "r1" });
  assert.deepEqual([sentFrames(), page.endpoint.urls.length], [[], 1]);
  assert.equal(room.state, "unsubscribed");
});

test("a rejected channel without subscriptions is not requested again", () => {
  page.endpoint.willRefuse(403);
  subscribe().unsubscribe();
  refreshed({ rights: "r2" });
  assert.equal(page.endpoint.urls.length, 1);
});

test("the page may subscribe to a rejected channel again, from its own position", () => {
  page.endpoint.willRefuse(403);
  subscribe();
  subscribe({ grant: "mine", recover: ["k3", 7] });
  assert.deepEqual([sentFrames()[0].grant, sentFrames()[0].recover], ["mine", ["k3", 7]]);
});

test("a rejected channel that becomes server-side is subscribed", () => {
  page.endpoint.willRefuse(403);
  room = subscribe();
  page.socket.deliver({ type: "subscribed", channel: "room:7" });
  assert.equal(room.state, "subscribed");
  reconnect({ rights: "r1", channels: { "room:7": {} } });
  assert.equal(room.state, "subscribed");
});

test("a subscription without recovery starts without a position, with a fresh grant", () => {
  enter({ recover: false });
  page.endpoint.willGrant("G2");
  takeAway();
  assert.equal("recover" in sentFrames().at(-1), false);
});

test("a grant of the page that cannot be replaced ends the subscription", () => {
  start({ grantUrl: null });
  enter({ grant: "G" });
  takeAway();
  refuse();
  assert.equal(room.state, "unsubscribed");
});

test("a channel without subscriptions is only ended", () => {
  rt.on("unsubscribed", (channel) => calls.push(["page", channel]));
  takeAway();
  assert.deepEqual(calls, [["page", "room:7"]]);
});

test("a grant that was rejected because the rights changed meanwhile is replaced", () => {
  page.endpoint.willGrant("G1");
  room = subscribe();
  page.endpoint.willGrant("G2");
  refuse();
  assert.equal(sentFrames().at(-1).grant, "G2");
});

test("where rights of many change, each page asks for its grant at a random moment", () => {
  enter();
  page.endpoint.willGrant("G2");
  const random = mock.method(Math, "random", () => 0.5);
  page.socket.deliver({ type: "unsubscribed", channel: "room:7", reason: "rights_changed", within: 60 });
  random.mock.restore();
  page.clock.advance(29_999);
  assert.deepEqual(sentFrames().filter(({ grant }) => grant === "G2"), []);
  page.clock.advance(1);
  assert.equal(sentFrames().at(-1).grant, "G2");
});

const refused = (more) => ({ type: "error", code: "not_allowed", message: "no", reply_to: page.socket.sent.at(-1).id, ...more });

test("a page whose grant is refused asks for another one within the time that the gateway states", (context) => {
  context.mock.method(Math, "random", () => 0.5);
  enter();
  reconnect({ rights: "r1" });
  page.socket.deliver(refused({ within: 60 }));
  page.clock.advance(29_999);
  assert.equal(page.endpoint.urls.length, 1);
  page.endpoint.willGrant("G2");
  page.clock.advance(1);
  assert.equal(sentFrames().at(-1).grant, "G2");
});

test("a page that comes back with a grant that is over asks within that time, and one that needs no grant subscribes at once", (context) => {
  context.mock.method(Math, "random", () => 0.5);
  enter();
  page.grants.keep("room:7", { grant: "G1", expires_in: -1 });
  page.grants.keep("open:1", { grant: null });
  rt.subscribe("open:1");
  reconnect({ rights: "r1", channels: { broadcast: { within: 60 } } });
  assert.deepEqual(sentFrames().map(({ channel }) => channel), ["open:1"]);
  page.clock.advance(29_999);
  assert.equal(page.endpoint.urls.length, 1);
  page.clock.advance(1);
  assert.equal(page.endpoint.urls.length, 2);
});

test("a page without a source of grants waits for no window", () => {
  start({ grantUrl: null });
  rt.subscribe("open:1");
  page.clock.advance(0);
  reconnect({ rights: "r1", channels: { broadcast: { within: 60 } } });
  assert.equal(sentFrames().at(-1).channel, "open:1");
});

test("rejected channels are requested within the time that other rights state", (context) => {
  context.mock.method(Math, "random", () => 0.5);
  page.endpoint.willRefuse(403);
  subscribe();
  refreshed({ rights: "r2", within: 60 });
  page.clock.advance(29_999);
  assert.equal(page.endpoint.urls.length, 1);
  page.clock.advance(1);
  assert.equal(page.endpoint.urls.length, 2);
});
