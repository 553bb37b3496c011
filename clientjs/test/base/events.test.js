import assert from "node:assert/strict";
import { test } from "node:test";

import { Events } from "../../src/base/events.js";

const record = (into, name) => (first, second) => into.push([name, first, second]);

test("handlers are called in order, with the arguments", () => {
  const events = new Events();
  const calls = [];
  events.on("news", record(calls, "one"));
  events.on("news", record(calls, "two"));
  events.on("other", record(calls, "other"));
  events.emit("news", 1, 2);
  assert.deepEqual(calls, [["one", 1, 2], ["two", 1, 2]]);
});

test("a handler that throws is reported, and the others are called", () => {
  const reported = [];
  const events = new Events((error) => reported.push(error.message));
  const calls = [];
  events.on("news", () => {
    throw new Error("mine");
  });
  events.on("news", record(calls, "two"));
  events.emit("news");
  assert.deepEqual(reported, ["mine"]);
  assert.equal(calls.length, 1);
});

test("without a reporter, an error is thrown again later, as an uncaught one", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const events = new Events();
  events.on("news", () => {
    throw new Error("mine");
  });
  events.emit("news");
  assert.throws(() => t.mock.timers.tick(1), /mine/);
});

test("off removes one handler, or all of an event", () => {
  const events = new Events();
  const calls = [];
  const one = record(calls, "one");
  events.on("news", one);
  events.on("news", record(calls, "two"));
  events.off("news", one);
  events.emit("news");
  assert.deepEqual(calls.map(([name]) => name), ["two"]);
  events.off("news");
  events.emit("news");
  assert.equal(calls.length, 1);
});

test("a handler that removes itself does not cause another to be skipped", () => {
  const events = new Events();
  const calls = [];
  const once = () => events.off("news", once);
  events.on("news", once);
  events.on("news", record(calls, "two"));
  events.emit("news");
  assert.equal(calls.length, 1);
});

for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
  test(`an event may have the name ${name}`, () => {
    const events = new Events();
    const calls = [];
    events.emit(name);
    events.on(name, record(calls, name));
    events.emit(name, 1);
    assert.deepEqual(calls, [[name, 1, undefined]]);
  });
}

test("a handler must be a function", () => {
  assert.throws(() => new Events().on("news", undefined), /"news" is not a function/);
});
