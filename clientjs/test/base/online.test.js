import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Network } from "../../src/base/online.js";

class FakeTarget {
  #listeners = {};
  addEventListener = (type, listener) => {
    this.#listeners[type] = listener;
  };
  removeEventListener = (type, listener) => {
    assert.equal(this.#listeners[type], listener);
    delete this.#listeners[type];
  };
  get listeners() {
    return Object.keys(this.#listeners);
  }
  fire = (type, event = {}) => this.#listeners[type]({ type, ...event });
}

let calls, page, watcher;

beforeEach(() => {
  calls = [];
  watcher = (name) => calls.push(name);
  page = Object.assign(new FakeTarget(), {
    navigator: { onLine: true },
    document: { visibilityState: "visible" },
  });
});

test("isOnline is false only if navigator.onLine is false", () => {
  const isOnline = (onLine) => new Network({ navigator: { onLine } }).isOnline();
  assert.deepEqual([true, false, undefined].map(isOnline), [true, false, true]);
});

test("online and offline events call the watcher", () => {
  new Network(page).watch(watcher);
  page.fire("offline");
  page.fire("online");
  assert.deepEqual(calls, ["offline", "online"]);
});

test("entering and leaving the back/forward cache is offline and online", () => {
  new Network(page).watch(watcher);
  page.fire("pageshow", { persisted: false });
  page.fire("pagehide", { persisted: false });
  assert.deepEqual(calls, []);
  page.fire("pagehide", { persisted: true });
  page.fire("pageshow", { persisted: true });
  assert.deepEqual(calls, ["offline", "online"]);
});

test("a page that becomes visible wakes", () => {
  new Network(page).watch(watcher);
  page.document.visibilityState = "hidden";
  page.fire("visibilitychange");
  assert.deepEqual(calls, []);
  page.document.visibilityState = "visible";
  page.fire("visibilitychange");
  page.fire("resume");
  assert.deepEqual(calls, ["wake", "wake"]);
});

test("stopping removes all listeners", () => {
  const stop = new Network(page).watch(watcher);
  assert.equal(page.listeners.length, 6);
  stop();
  assert.deepEqual(page.listeners, []);
});

test("IE8 dispatches its events on the body", () => {
  const listeners = {};
  const body = {
    attachEvent: (type, listener) => (listeners[type] = listener),
    detachEvent: (type, listener) => listeners[type] === listener && delete listeners[type],
  };
  const old = { navigator: {}, document: { body }, attachEvent: () => assert.fail() };
  const stop = new Network(old).watch(watcher);
  listeners.onoffline({ type: "offline" });
  listeners.ononline({ type: "online" });
  assert.deepEqual(calls, ["offline", "online"]);
  stop();
  assert.deepEqual(listeners, {});
});

test("without a body, the listeners are on the window", () => {
  const listeners = {};
  const attachEvent = (type, listener) => (listeners[type] = listener);
  new Network({ navigator: {}, document: {}, attachEvent }).watch(watcher);
  assert.deepEqual(Object.keys(listeners), ["onoffline", "ononline"]);
});
