/** The example application, and the composables. Run `npm run build` first. */
import assert from "node:assert/strict";
import { register } from "node:module";
import { afterEach, beforeEach, test } from "node:test";

import { JSDOM } from "jsdom";

import { AsyncClient } from "../../src/async/client.js";
import { AsyncSubscription } from "../../src/async/subscription.js";
import { FakePage } from "../fakes/page.js";

register("./loader.js", import.meta.url);
const { window } = new JSDOM("");
const { document, Element, HTMLElement, SVGElement, MathMLElement, Event } = window;
Object.assign(globalThis, { window, document, Element, HTMLElement, SVGElement, MathMLElement, Event });

const { createApp, createSSRApp, defineComponent, h, nextTick, ref } = await import("vue");
const { renderToString } = await import("vue/server-renderer");
const { createSockgate, useChannel, usePresence, useSockgate } = await import("../../dist/vue.mjs");
const { default: Room } = await import("../../examples/vue/Room.vue");

let app, page, rt;

beforeEach(() => {
  page = new FakePage({ grantUrl: null }, { Subscription: AsyncSubscription });
  rt = new AsyncClient(page.parts);
});

afterEach(() => {
  app?.unmount();
  app = undefined;
  document.body.replaceChildren();
});

const sent = (type) => page.socket.sent.filter((frame) => frame.type === type);
const entry = (channel) => rt._parts.subscriptions.of(channel);
const text = () => document.body.textContent;

async function start(component, properties) {
  app = createApp(component, properties).use(createSockgate(rt));
  app.mount(document.body.appendChild(document.createElement("div")));
  page.clock.advance(0);
  page.welcome();
  await nextTick();
}

async function deliver(frame) {
  page.socket.deliver(frame);
  await nextTick();
}

const answer = (frame) =>
  deliver({ ...frame, reply_to: sent(frame.type.replace("subscribed", "subscribe")).at(-1).id });

test("the example shows state, presence and what is said, and subscribes once", async () => {
  await start(Room, { channel: "room:7" });
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
  await start(Room, { channel: "room:7" });
  await answer({ type: "subscribed", channel: "room:7" });
  document.querySelector("button").click();
  await nextTick();
  const { id, event } = sent("publish").at(-1);
  assert.equal(event, "client-said");
  await deliver({ type: "error", code: "too_many", message: "too many publications", reply_to: id });
  await nextTick();
  assert.match(text(), /too many publications/);
});

test("nothing is left after unmounting", async () => {
  const handlers = () => rt._parts.events._of("state").length;
  const before = handlers();
  await start(Room, { channel: "room:7" });
  assert.ok(handlers() > before && entry("room:7"));
  app.unmount();
  app = undefined;
  assert.deepEqual([handlers(), entry("room:7")], [before, undefined]);
});

test("another channel replaces the first, and null subscribes to none", async () => {
  const channel = ref("room:7");
  await start(defineComponent(() => {
    const { state } = useChannel(channel);
    const presence = usePresence(channel);
    return () => `${state.value} ${presence.value}`;
  }));
  channel.value = "room:8";
  await nextTick();
  page.clock.advance(0);
  assert.deepEqual(sent("subscribe").map(({ channel }) => channel), ["room:7", "room:8"]);
  assert.deepEqual(sent("unsubscribe").map(({ channel }) => channel), ["room:7"]);
  channel.value = null;
  await nextTick();
  await nextTick();
  assert.deepEqual([text(), entry("room:8")], ["unsubscribed null", undefined]);
});

test("a server renders the page, and the browser takes it over", async (t) => {
  const idle = new AsyncClient({ ...new FakePage().parts, autoConnect: false });
  const make = (client) => createSSRApp(Room, { channel: "room:7" }).use(createSockgate(client));
  const html = await renderToString(make(idle));
  assert.match(html, /closed, a visitor/);
  assert.equal(idle._parts.subscriptions.of("room:7"), undefined);
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = html;
  const warn = t.mock.method(console, "warn", () => undefined);
  const error = t.mock.method(console, "error", () => undefined);
  app = make(rt);
  app.mount(place);
  await nextTick();
  assert.deepEqual([warn.mock.callCount(), error.mock.callCount()], [0, 0]);
  assert.match(place.textContent, /connecting/);
});

test("a composable without the plugin says what is missing", async (t) => {
  t.mock.method(console, "warn", () => undefined);
  const State = defineComponent(() => {
    const { state } = useSockgate();
    return () => h("p", state.value);
  });
  await assert.rejects(renderToString(createSSRApp(State)), /createSockgate/);
});
