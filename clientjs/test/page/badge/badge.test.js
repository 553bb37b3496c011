/** What the badge shows of a client. tests/browser/test_badge.py shows the badge itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { watch } from "../../../src/page/badge/events.js";
import { Events } from "../../../src/base/events.js";

const read = (name) => readFileSync(new URL(`../../../dist/${name}`, import.meta.url), "utf8");

function display() {
  const shown = [];
  return { shown, enter: (...given) => shown.push(given), note: (text) => shown.push(text) };
}

const SHOWN = [
  ["state", "connected", { transport: "websocket" }, ["connected", { transport: "websocket" }]],
  ["*", { title: "Djangocon" }, { event: "news", channel: "user:7" }, "news on user:7"],
  ["error", "not_allowed", { channel: "room:7" }, "error not_allowed on room:7"],
  ["error", "bad_frame", {}, "error bad_frame"],
  ["gap", "room:7", {}, "gap on room:7"],
  ["unsubscribed", "room:7", { code: "not_allowed" }, "unsubscribed not_allowed on room:7"],
];

for (const [name, first, second, expected] of SHOWN) {
  test(`the badge shows ${name}: ${expected}`, () => {
    const events = new Events();
    const badge = display();
    watch(events, badge);
    events.emit(name, first, second);
    assert.deepEqual(badge.shown, [expected]);
  });
}

test("the badge is no handler of the page, and takes none away", () => {
  const events = new Events();
  const received = [];
  watch(events, display());
  assert.equal(events.emit("error", "not_allowed", {}), false);
  events.on("error", (code) => received.push(code));
  assert.equal(events.emit("error", "not_allowed", {}), true);
  assert.deepEqual(received, ["not_allowed"]);
});

test("the client carries nothing of the badge, and calls no global that a page could have", () => {
  assert.doesNotMatch(read("sockgate.js"), /Badge/);
  assert.doesNotMatch(read("sockgate.js"), /attachShadow/);
});
