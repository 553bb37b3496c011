/** The example application, and the stores. Run `npm run build` first. */
import assert from "node:assert/strict";
import { register } from "node:module";
import { afterEach, beforeEach, test } from "node:test";

import { JSDOM } from "jsdom";

import { AsyncClient } from "../../src/async/client.js";
import { AsyncSubscription } from "../../src/async/subscription.js";
import { FakePage } from "../fakes/page.js";

register("./loader.js", import.meta.url);
const { window } = new JSDOM("");
const { document, Element, Event, HTMLElement, HTMLMediaElement, Node, Text, Comment } = window;
const browser = { window, document, Element, Event, HTMLElement, HTMLMediaElement, Node, Text, Comment };
Object.assign(globalThis, browser);
globalThis.navigator ??= window.navigator;

const { flushSync, hydrate, mount, tick, unmount } = await import("svelte");
const { render } = await import("svelte/server");
const { get } = await import("svelte/store");
const { channelStore, presenceStore, sockgateStore } = await import("../../dist/svelte.mjs");
const { default: Room } = await import("../../examples/svelte/Room.svelte");
const { default: RoomOnServer } = await import("../../examples/svelte/Room.svelte?server");
const { default: Switching } = await import("./Switching.svelte");

let app, page, rt;

beforeEach(() => {
  page = new FakePage({ grantUrl: null }, { Subscription: AsyncSubscription });
  rt = new AsyncClient(page.parts);
});

afterEach(() => {
  if (app) unmount(app);
  app = undefined;
  document.body.replaceChildren();
});

const sent = (type) => page.socket.sent.filter((frame) => frame.type === type);
const entry = (channel) => rt._parts.subscriptions.of(channel);
const text = () => document.body.textContent;

function start(component, props) {
  app = mount(component, { target: document.body, props: { client: rt, ...props } });
  flushSync();
  page.clock.advance(0);
  page.welcome();
}

async function deliver(frame) {
  page.socket.deliver(frame);
  await tick();
}

const answer = (frame) =>
  deliver({ ...frame, reply_to: sent(frame.type.replace("subscribed", "subscribe")).at(-1).id });

test("the example shows state, presence and what is said, and subscribes once", async () => {
  start(Room, { channel: "room:7" });
  await answer({ type: "subscribed", channel: "room:7" });
  assert.equal(sent("subscribe").length, 1);
  assert.match(text(), /connected, 7/);
  await answer({ type: "presence", channel: "room:7", users: { 7: 1, 10: 2 }, anonymous: 0 });
  await deliver({ type: "join", channel: "room:7", user: "9" });
  await deliver({ type: "leave", channel: "room:7", user: "10" });
  assert.equal(document.querySelector("#present").textContent, "7, 9");
  await deliver({ channel: "room:7", data: { event: "client-said", data: "hello", from: "9" } });
  assert.equal(document.querySelector("li").textContent, "9: hello");
  await deliver({ type: "unsubscribed", channel: "room:7" });
  assert.equal(document.querySelector("[role=alert]").textContent, "Your access has ended.");
});

test("the example publishes, and shows why it may not", async () => {
  start(Room, { channel: "room:7" });
  await answer({ type: "subscribed", channel: "room:7" });
  document.querySelector("button").click();
  await tick();
  const { id, event } = sent("publish").at(-1);
  assert.equal(event, "client-said");
  await deliver({ type: "error", code: "too_many", message: "too many publications", reply_to: id });
  await tick();
  assert.match(text(), /too many publications/);
});

test("nothing is left after unmounting", async () => {
  const handlers = () => rt._parts.events._of("state").length;
  const before = handlers();
  start(Room, { channel: "room:7" });
  assert.ok(handlers() > before && entry("room:7"));
  await unmount(app);
  app = undefined;
  assert.deepEqual([handlers(), entry("room:7")], [before, undefined]);
});

test("another channel replaces the first, and null subscribes to none", async () => {
  start(Switching, {});
  assert.equal(text(), "subscribing null");
  app.show("room:8");
  await tick();
  page.clock.advance(0);
  assert.deepEqual(sent("subscribe").map(({ channel }) => channel), ["room:7", "room:8"]);
  assert.deepEqual(sent("unsubscribe").map(({ channel }) => channel), ["room:7"]);
  app.show(null);
  await tick();
  assert.deepEqual([text(), entry("room:8")], ["unsubscribed null", undefined]);
});

test("a store without subscribers subscribes to nothing, and has its first value", () => {
  const room = channelStore(rt, "room:7");
  assert.equal(entry("room:7"), undefined);
  const states = [];
  const stop = room.subscribe(({ state }) => states.push(state));
  const stopOther = room.subscribe(() => undefined);
  stop();
  assert.ok(entry("room:7"));
  stopOther();
  assert.deepEqual([states.at(-1), entry("room:7"), get(room).state], ["subscribing", undefined, "subscribing"]);
});

test("a server renders the page without a subscription, and the browser takes it over", async (t) => {
  const idle = new AsyncClient({ ...new FakePage().parts, autoConnect: false });
  const subscribed = t.mock.method(idle, "subscribe");
  for (const name of Object.keys(browser)) delete globalThis[name];
  let body;
  try {
    ({ body } = await render(RoomOnServer, { props: { client: idle, channel: "room:7" } }));
  } finally {
    Object.assign(globalThis, browser);
  }
  assert.match(body, /closed, a visitor/);
  assert.equal(subscribed.mock.callCount(), 0);
  document.body.innerHTML = body;
  const warn = t.mock.method(console, "warn", () => undefined);
  app = hydrate(Room, { target: document.body, props: { client: rt, channel: "room:7" } });
  await tick();
  assert.equal(warn.mock.callCount(), 0);
  assert.match(text(), /connecting/);
});

test("the state and the user of a client are a store", () => {
  page.clock.advance(0);
  const seen = [];
  const stop = sockgateStore(rt).subscribe(({ state, user }) => seen.push([state, user]));
  page.welcome();
  stop();
  rt.close();
  assert.deepEqual(seen.at(-1), ["connected", "7"]);
  assert.equal(get(presenceStore(rt, null)), null);
});

test("a handler of error receives a refused publication, and without one the console has a warning", () => {
  const errors = [];
  page.clock.advance(0);
  page.welcome();
  for (const handlers of [{ error: (code) => errors.push(code) }, {}]) {
    let room;
    const stop = channelStore(rt, "room:7", handlers).subscribe((value) => ({ room } = value));
    room.publish("client-said", 1);
    const { id } = sent("publish").at(-1);
    page.socket.deliver({ type: "error", code: "too_many", message: "too many", reply_to: id });
    stop();
  }
  assert.deepEqual([errors, page.warned], [["too_many"], ["refused: room:7 too_many, too many"]]);
});
