/** A page that subscribes to channels. `start` makes a new one. */
import { Client } from "../../src/core/client.js";
import { FakePage } from "./page.js";

export let calls, page, rt;

const EVENTS = ["subscribed", "unsubscribed", "gap", "join", "leave", "presence", "error"];

/** Connect a page with these settings, and record all events. */
export function start(settings) {
  load(settings);
  run();
  page.welcome();
}

/** Make a page that is not connected yet. */
export function load(settings) {
  page = new FakePage(settings);
  rt = new Client(page.parts);
  forget();
  for (const event of EVENTS) rt.on(event, record(event));
}

export const run = () => page.clock.advance(0);
export const record = (name) => (first, second) => calls.push([name, first, second]);
export const names = () => calls.map(([name]) => name);

/** Empty the record. */
export function forget() {
  calls = [];
}

export function subscribe(options, channel = "room:7") {
  const subscription = rt.subscribe(channel, options);
  for (const event of [...EVENTS, "news"]) subscription.on(event, record(`room ${event}`));
  run();
  return subscription;
}

export const sentFrames = () => page.socket.sent.slice(1);
export const answer = (more) =>
  page.socket.deliver({ ...more, reply_to: page.socket.sent.at(-1).id });
export const confirm = (more) => answer({ type: "subscribed", channel: "room:7", ...more });
export const refuse = (code) => answer({ type: "error", code, message: "no" });

export function publish(offset, channel = "room:7") {
  page.socket.deliver({ channel, data: { event: "news", data: offset }, offset });
}

export function reconnect(more) {
  page.socket.end(1006);
  page.clock.advance(500);
  page.welcome(more);
}

/** Subscribe to room:7, up to offset 42. */
export function enter() {
  page.endpoint.willGrant("G1");
  const room = subscribe();
  confirm({ epoch: "k3", offset: 42 });
  forget();
  return room;
}
