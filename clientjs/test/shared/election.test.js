import assert from "node:assert/strict";
import { test } from "node:test";

import { LeaseElection, LockElection } from "../../src/shared/election.js";
import { FakeClock } from "../fakes/clock.js";
import { FakeLocks, settle } from "../fakes/tabs.js";
import { FakeStorage } from "../fakes/ways.js";

function candidates(make, ...names) {
  const events = [];
  const elections = names.map((name) =>
    make(name, { won: () => events.push(`${name} won`), deposed: () => events.push(`${name} deposed`), failed: () => events.push(`${name} failed`) }),
  );
  return [events, ...elections];
}

test("the first tab leads, and the next one after it", async () => {
  const locks = new FakeLocks();
  const [events, a, b, c] = candidates((_, candidate) => new LockElection(locks, candidate), "a", "b", "c");
  a.run(), b.run(), c.run();
  await settle();
  assert.deepEqual(events, ["a won"]);
  b.withdraw();
  a.withdraw();
  await settle();
  assert.deepEqual(events, ["a won", "c won"]);
});

test("a tab takes over from a leader that does not answer", async () => {
  const locks = new FakeLocks();
  const [events, a, b] = candidates((_, candidate) => new LockElection(locks, candidate), "a", "b");
  a.run(), b.run();
  await settle();
  b.challenge();
  await settle();
  assert.deepEqual(events.sort(), ["a deposed", "a won", "b won"]);
});

test("without locks, the last writer leads", () => {
  const clock = new FakeClock();
  const storage = new FakeStorage();
  const [events, a, b] = candidates((name, candidate) => new LeaseElection(storage, clock, name, candidate), "a", "b");
  a.run();
  clock.advance(100);
  b.run();
  clock.advance(1000);
  assert.deepEqual(events, ["b won"]);
  a.challenge();
  a.withdraw();
  clock.advance(1000);
  assert.deepEqual(events, ["b won"]);
  a.challenge();
  clock.advance(1000);
  assert.deepEqual(events, ["b won", "a won"]);
});

test("a page that may not use locks fails once, and does not ask for ever", async () => {
  const refuse = () => Promise.reject(new Error("SecurityError"));
  const [events, a, b] = candidates((_, candidate) => new LockElection({ request: refuse }, candidate), "a", "b");
  a.run(), b.challenge();
  await settle();
  assert.deepEqual(events, ["a failed", "b failed"]);
});

test("a page whose storage is full fails", () => {
  const clock = new FakeClock();
  const storage = {
    setItem: () => {
      throw new Error("QuotaExceededError");
    },
  };
  const [events, a] = candidates((name, candidate) => new LeaseElection(storage, clock, name, candidate), "a");
  a.run();
  clock.advance(1000);
  assert.deepEqual(events, ["a failed"]);
});
