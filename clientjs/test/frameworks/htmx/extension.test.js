/** The htmx extension, without htmx. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { register } from "../../../src/frameworks/htmx/index.js";

function open(attributes) {
  const config = '<script type="application/json" data-sockgate="client">{}</script>';
  const { window } = new JSDOM(`${config}<div id="e" ${attributes}></div>`);
  const rooms = [];
  const triggered = [];
  const subscribe = (channel) => {
    const room = { channel, handlers: {}, isLeft: false, on: (event, handler) => (room.handlers[event] = handler), unsubscribe: () => (room.isLeft = true) };
    rooms.push(room);
    return room;
  };
  const connect = () => (connect.client = { subscribe });
  let extension;
  window.Sockgate = { connect };
  window.htmx = { defineExtension: (_, defined) => (extension = defined), trigger: (_, event, detail) => triggered.push([event, detail]) };
  register(window);
  const element = window.document.getElementById("e");
  const pass = (name) => extension.onEvent(name, { target: element });
  return { rooms, triggered, element, pass, extension };
}

test("an element subscribes to its channels once, and leaves them when it is cleaned up", () => {
  const { rooms, pass, extension } = open('sg-channel="orders customer:7"');
  pass("htmx:afterProcessNode");
  pass("htmx:afterProcessNode");
  assert.deepEqual(rooms.map(({ channel }) => channel), ["orders", "customer:7"]);
  pass("htmx:beforeCleanupElement");
  assert.ok(rooms.every(({ isLeft }) => isLeft));
  pass("htmx:beforeCleanupElement");
  assert.deepEqual(extension.getSelectors(), ["[sg-channel]"]);
});

test("the events of sg-on are triggered with their data, by default touch", () => {
  const { rooms, triggered, pass } = open('sg-channel="orders" sg-on="paid, gap"');
  pass("htmx:afterProcessNode");
  assert.deepEqual(Object.keys(rooms[0].handlers), ["paid", "gap"]);
  rooms[0].handlers.paid(7, { offset: 3, from: "8" });
  rooms[0].handlers.gap("orders", { type: "gap" });
  assert.deepEqual(triggered, [
    ["sg:paid", { data: 7, channel: "orders", offset: 3, from: "8" }],
    ["sg:gap", { data: { type: "gap" }, channel: "orders" }],
  ]);
  const other = open('sg-channel="orders"');
  other.pass("htmx:afterProcessNode");
  assert.deepEqual(Object.keys(other.rooms[0].handlers), ["touch"]);
});

test("an element that has left the page triggers nothing", () => {
  const { rooms, triggered, pass, element } = open('sg-channel="orders" sg-on="paid"');
  pass("htmx:afterProcessNode");
  element.remove();
  rooms[0].handlers.paid(7, {});
  assert.deepEqual(triggered, []);
});

test("other elements and other events are left alone", () => {
  const { rooms, pass } = open("");
  pass("htmx:afterProcessNode");
  pass("htmx:load");
  assert.deepEqual(rooms, []);
});

test("the data- form of sg-channel, which sanitizers keep in content of users, is no order", () => {
  const { rooms, pass } = open('data-sg-channel="orders" data-sg-on="paid" data-hx-ext="sockgate"');
  pass("htmx:afterProcessNode");
  assert.deepEqual(rooms, []);
});
