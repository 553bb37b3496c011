import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { Clock } from "../../src/base/clock.js";

afterEach(() => {
  delete globalThis.window;
});

test("a monotonic clock is used where there is one", () => {
  globalThis.window = { performance: { now: () => 42 } };
  assert.equal(new Clock().now(), 42);
});

for (const window of [undefined, {}, { performance: {} }]) {
  test(`the time of day is used without a monotonic clock: ${JSON.stringify(window)}`, () => {
    if (window) globalThis.window = window;
    assert.ok(Math.abs(new Clock().now() - Date.now()) < 60000);
  });
}
