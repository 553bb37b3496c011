import assert from "node:assert/strict";
import { test } from "node:test";

import { waitFor } from "../../src/async/wait.js";
import { FakeClock } from "../fakes/clock.js";
import { settled } from "../fakes/asyncroom.js";

for (const how of ["resolve", "reject"]) {
  test(`timer, listener and watcher end with the promise: ${how}`, async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const ended = [];
    signal.removeEventListener = (event) => ended.push(event);
    const settle = {};
    const waiting = waitFor(clock, { timeout: 10, signal }, (resolve, reject) => {
      Object.assign(settle, { resolve, reject });
      return [() => ended.push("watcher")];
    });
    assert.equal(clock.pending, 1);
    settle[how]("it");
    assert.equal(await waiting.catch((reason) => reason), "it");
    await settled();
    assert.deepEqual([clock.pending, ended], [0, ["abort", "watcher"]]);
  });
}

test("a time limit of 0 is a limit", async () => {
  const clock = new FakeClock();
  const waiting = waitFor(clock, { timeout: 0 }, () => []);
  clock.advance(0);
  await assert.rejects(waiting, { code: "timeout" });
});

test("a signal without a reason rejects with a SockgateError", async () => {
  const signal = { aborted: true };
  await assert.rejects(waitFor(new FakeClock(), { signal }, () => []), { code: "aborted" });
});
