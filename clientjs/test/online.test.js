import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Network } from "../src/online.js";

class FakeTarget {
  #listeners = {};
  addEventListener = (type, listener) => {
    this.#listeners[type] = listener;
  };
  removeEventListener = (type, listener) => {
    assert.equal(this.#listeners[type], listener);
    delete this.#listeners[type];
  };
  get heard() {
    return Object.keys(this.#listeners);
  }
  fire = (type, event = {}) => this.#listeners[type](event);
}

let calls, page, watcher;

beforeEach(() => {
  calls = [];
  watcher = Object.fromEntries(
    ["offline", "online", "wake"].map((name) => [name, () => calls.push(name)]),
  );
  page = Object.assign(new FakeTarget(), {
    navigator: { onLine: true },
    document: Object.assign(new FakeTarget(), { visibilityState: "visible" }),
  });
});

test("only a browser that is sure is offline", () => {
  const isOnline = (onLine) => new Network({ navigator: { onLine } }).isOnline();
  assert.deepEqual([true, false, undefined].map(isOnline), [true, false, true]);
});

test("the network's events are told", () => {
  new Network(page).watch(watcher);
  page.fire("offline");
  page.fire("online");
  assert.deepEqual(calls, ["offline", "online"]);
});

test("a page in the back/forward cache lets go, and comes back", () => {
  new Network(page).watch(watcher);
  page.fire("pageshow", { persisted: false });
  page.fire("pagehide", { persisted: false });
  assert.deepEqual(calls, []);
  page.fire("pagehide", { persisted: true });
  page.fire("pageshow", { persisted: true });
  assert.deepEqual(calls, ["offline", "online"]);
});

test("a page that is seen again wakes", () => {
  new Network(page).watch(watcher);
  page.document.visibilityState = "hidden";
  page.document.fire("visibilitychange");
  assert.deepEqual(calls, []);
  page.document.visibilityState = "visible";
  page.document.fire("visibilitychange");
  page.document.fire("resume");
  assert.deepEqual(calls, ["wake", "wake"]);
});

test("a watcher that is told no more leaves nothing behind", () => {
  const stop = new Network(page).watch(watcher);
  assert.equal(page.heard.length, 4);
  assert.equal(page.document.heard.length, 2);
  stop();
  assert.deepEqual([...page.heard, ...page.document.heard], []);
});

test("IE8 tells the body", () => {
  const told = {};
  const body = {
    attachEvent: (type, listener) => (told[type] = listener),
    detachEvent: (type, listener) => told[type] === listener && delete told[type],
  };
  const old = { navigator: {}, document: { body }, attachEvent: () => assert.fail() };
  const stop = new Network(old).watch(watcher);
  told.onoffline();
  told.ononline();
  assert.deepEqual(calls, ["offline", "online"]);
  stop();
  assert.deepEqual(told, {});
});

test("before there is a body, the window is asked", () => {
  const told = {};
  const attachEvent = (type, listener) => (told[type] = listener);
  new Network({ navigator: {}, document: {}, attachEvent }).watch(watcher);
  assert.deepEqual(Object.keys(told), ["onoffline", "ononline"]);
});
