/** The source of Turbo Streams, without Turbo. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { streamSource } from "../../../src/frameworks/turbo/index.js";

function open(attributes) {
  const config = '<script type="application/json" data-sockgate="client">{}</script>';
  const { window } = new JSDOM(config);
  const calls = [];
  const handlers = {};
  const room = { on: (event, handler) => (handlers[event] = handler), unsubscribe: () => calls.push("unsubscribe") };
  const connect = () => (connect.client = { subscribe: (channel) => (calls.push(channel), room) });
  window.Sockgate = { connect };
  window.Turbo = { connectStreamSource: () => calls.push("connect"), disconnectStreamSource: () => calls.push("disconnect") };
  window.customElements.define("sockgate-stream-source", streamSource(window));
  const errors = [];
  window.console.error = (text) => errors.push(text);
  const received = [];
  window.document.body.addEventListener("message", ({ data }) => received.push(data), true);
  window.document.body.innerHTML = `<sockgate-stream-source ${attributes}></sockgate-stream-source>`;
  return { window, calls, handlers, received, errors, element: window.document.body.firstChild };
}

test("the element passes streams to Turbo while it is in the page", () => {
  const { calls, handlers, received, element } = open('channel="orders"');
  handlers["turbo-stream"]("<turbo-stream>", {});
  assert.deepEqual(received, ["<turbo-stream>"]);
  element.remove();
  assert.deepEqual(calls, ["connect", "orders", "disconnect", "unsubscribe"]);
});

test("what a browser has published, and what is no text, is ignored", () => {
  const { handlers, received } = open('channel="orders" event="turbo-stream:rows"');
  handlers["turbo-stream:rows"]("<turbo-stream>", { from: "7" });
  handlers["turbo-stream:rows"]({ html: "" }, {});
  assert.deepEqual(received, []);
  handlers["turbo-stream:rows"]("<turbo-stream>", {});
  assert.deepEqual(received, ["<turbo-stream>"]);
});

test("an event that the gateway does not verify is refused", () => {
  for (const event of ["client-stream", "rows", "turbo-streams", " turbo-stream"]) {
    const { calls, handlers, errors } = open(`channel="orders" event="${event}"`);
    assert.deepEqual([calls, Object.keys(handlers)], [[], []]);
    assert.match(errors[0], /turbo-stream:/);
  }
});

test("an element without a channel does nothing", () => {
  assert.deepEqual(open("").calls, []);
  assert.deepEqual(open('data-channel="orders"').calls, []);
});
