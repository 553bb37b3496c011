/** The example application, and the hooks, under StrictMode. Run `npm run build` first. */
import assert from "node:assert/strict";
import { register } from "node:module";
import { afterEach, beforeEach, test } from "node:test";

import { JSDOM } from "jsdom";

import { AsyncClient } from "../../src/async/client.js";
import { AsyncSubscription } from "../../src/async/subscription.js";
import { FakePage } from "../fakes/page.js";

register("./loader.js", import.meta.url);
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const { window } = new JSDOM("<div id=root></div>");
const { document } = window;
Object.assign(globalThis, { window, document });
globalThis.navigator ??= window.navigator;

const { StrictMode, Suspense, act, createElement: h, startTransition, useState } = await import("react");
const { createRoot, hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { SockgateProvider, useChannel, usePresence, useSockgate } = await import("../../dist/react.mjs");
const { Room } = await import("../../examples/react/Room.tsx");

let page, rt, root;

beforeEach(() => {
  page = new FakePage({ grantUrl: null }, { Subscription: AsyncSubscription });
  rt = new AsyncClient(page.parts);
  root = createRoot(document.body.appendChild(document.createElement("div")));
});

afterEach(async () => {
  await act(() => root.unmount());
  document.body.replaceChildren();
});

const inside = (...children) => h(StrictMode, null, h(SockgateProvider, { client: rt }, ...children));
const show = (...children) => act(() => root.render(inside(...children)));
const pass = (ms = 0) => act(() => page.clock.advance(ms));
const connect = () => act(() => page.welcome());
const deliver = (frame) => act(() => page.socket.deliver(frame));
const sent = (type) => page.socket.sent.filter((frame) => frame.type === type);
const answer = (frame) =>
  deliver({ ...frame, reply_to: sent(frame.type.replace("subscribed", "subscribe")).at(-1).id });
const text = () => document.body.textContent;

async function start(...children) {
  await show(...children);
  await pass();
  await connect();
}

async function subscribed(...children) {
  await start(...children);
  await answer({ type: "subscribed", channel: "room:7" });
}

test("the example shows state, presence and what is said, and subscribes once", async () => {
  await subscribed(h(Room, { channel: "room:7" }));
  assert.equal(sent("subscribe").length, 1);
  assert.match(text(), /connected, 7/);
  await answer({ type: "presence", channel: "room:7", users: { 7: 1, 10: 2 }, anonymous: 0 });
  assert.match(text(), /7, 10/);
  await deliver({ type: "join", channel: "room:7", user: "9" });
  await deliver({ type: "leave", channel: "room:7", user: "10" });
  assert.match(text(), /7, 9[^0-9]/);
  await deliver({ channel: "room:7", data: { event: "client-said", data: "hello", from: "9" } });
  assert.deepEqual([...document.querySelectorAll("li")].map((li) => li.textContent), ["9: hello"]);
});

test("the example shows why it may not publish, and why it has no access", async () => {
  await subscribed(h(Room, { channel: "room:7" }));
  await act(() => document.querySelector("button").click());
  const reply_to = sent("publish").at(-1).id;
  await deliver({ type: "error", code: "too_many", message: "too many publications", reply_to });
  assert.match(text(), /too many publications/);
  await deliver({ type: "unsubscribed", channel: "room:7" });
  assert.equal(document.querySelector("[role=alert]").textContent, "Your access has ended.");
});

test("the state follows the client, and nothing is left after unmounting", async () => {
  const State = () => useSockgate().state;
  const handlers = () => rt._parts.events._of("state").length;
  const before = handlers();
  await start(h(State), h(Room, { channel: "room:7" }));
  assert.match(text(), /^connected/);
  await act(() => page.socket.end(1006));
  assert.match(text(), /^waiting/);
  await show();
  assert.deepEqual([handlers(), rt._parts.subscriptions.of("room:7")], [before, undefined]);
});

test("another channel replaces the first, and null subscribes to none", async () => {
  const Channel = ({ channel }) => useChannel(channel).state;
  await start(h(Channel, { channel: "room:7" }));
  await show(h(Channel, { channel: "room:8" }));
  await pass();
  assert.deepEqual(sent("subscribe").map(({ channel }) => channel), ["room:7", "room:8"]);
  assert.deepEqual(sent("unsubscribe").map(({ channel }) => channel), ["room:7"]);
  await show(h(Channel, { channel: null }));
  assert.equal(sent("unsubscribe").length, 2);
  assert.equal(text(), "unsubscribed");
});

test("handlers of the last render are called, without a new subscription", async () => {
  const received = [];
  const Channel = ({ mark }) => {
    useChannel("room:7", { news: (data) => received.push([mark, data]) });
    return mark;
  };
  await subscribed(h(Channel, { mark: "one" }));
  await show(h(Channel, { mark: "two" }));
  await deliver({ channel: "room:7", data: { event: "news", data: 1 } });
  await deliver({ channel: "room:7", data: { event: "constructor", data: 1 } });
  assert.deepEqual([received, sent("subscribe").length], [[["two", 1]], 1]);
});

test("a render that React throws away subscribes to nothing", async () => {
  const never = new Promise(() => {});
  let go;
  const Channel = ({ channel }) => useChannel(channel).state;
  const Suspended = () => {
    throw never;
  };
  const Page = () => {
    const [isNext, setNext] = useState(false);
    go = () => startTransition(() => setNext(true));
    return h(Suspense, { fallback: "…" }, isNext ? [h(Channel, { key: 1, channel: "room:8" }), h(Suspended, { key: 2 })] : "first");
  };
  await start(h(Page));
  await act(() => go());
  await pass();
  assert.deepEqual([text(), sent("subscribe")], ["first", []]);
});

test("joins and leaves while presence is requested are kept", async () => {
  const Present = () => JSON.stringify(usePresence("room:7"));
  await subscribed(h(Present));
  assert.equal(text(), "null");
  await deliver({ type: "join", channel: "room:7", user: "9" });
  await deliver({ type: "leave", channel: "room:7", user: "8" });
  await answer({ type: "presence", channel: "room:7", users: { 7: 1, 8: 1 }, anonymous: 3 });
  assert.deepEqual(JSON.parse(text()), { users: ["7", "9"], anonymous: 3 });
});

test("a user who left while the link was away is shown no more", async () => {
  const Present = () => JSON.stringify(usePresence("room:7"));
  await subscribed(h(Present));
  await answer({ type: "presence", channel: "room:7", users: { 7: 1, 8: 1 }, anonymous: 0 });
  await deliver({ type: "gap", channel: "room:7", within: 0 });
  await act(() => new Promise((resolve) => setTimeout(resolve)));
  await answer({ type: "presence", channel: "room:7", users: { 7: 1 }, anonymous: 0 });
  assert.deepEqual(JSON.parse(text()).users, ["7"]);
});

test("presence has the data of users and pages, and follows its changes", async () => {
  const Present = () => JSON.stringify(usePresence("room:7"));
  await subscribed(h(Present));
  await deliver({ type: "presence_changed", channel: "room:7", user: "7", page_data: [{ x: 2 }] });
  const data = { 7: { name: "A" }, 8: { name: "B" } };
  await answer({ type: "presence", channel: "room:7", users: { 7: 1, 8: 1 }, anonymous: 0, data, page_data: { 7: [{ x: 1 }] } });
  assert.deepEqual(JSON.parse(text()).pageData, { 7: [{ x: 2 }] });
  await deliver({ type: "join", channel: "room:7", user: "9", data: { name: "C" } });
  await deliver({ type: "presence_changed", channel: "room:7", user: "7", data: null });
  await deliver({ type: "leave", channel: "room:7", user: "8" });
  assert.deepEqual(JSON.parse(text()), {
    users: ["7", "9"],
    anonymous: 0,
    data: { 7: null, 8: null, 9: { name: "C" } },
    pageData: { 7: [{ x: 2 }], 8: [] },
  });
});

test("a server renders the page, and the browser takes it over", async () => {
  const idle = new AsyncClient({ ...new FakePage().parts, autoConnect: false });
  const tree = (client) => h(SockgateProvider, { client }, h(Room, { channel: "room:7" }));
  const html = renderToString(tree(idle));
  assert.match(html, /closed, a visitor/);
  assert.equal(idle._parts.subscriptions.of("room:7"), undefined);
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = html;
  const problems = [];
  let hydrated;
  await act(() => {
    hydrated = hydrateRoot(place, tree(rt), { onRecoverableError: (error) => problems.push(error) });
  });
  assert.deepEqual(problems, []);
  assert.match(place.textContent, /connecting/);
  await act(() => hydrated.unmount());
});

test("a hook without a provider says what is missing", () => {
  const State = () => useSockgate().state;
  assert.throws(() => renderToString(h(State)), /SockgateProvider/);
});
