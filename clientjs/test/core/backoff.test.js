import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "../../src/core/backoff.js";

const LIMITS = { minMs: 500, maxMs: 30000 };
const WIDEST = () => 0.999999;
const NARROWEST = () => 0;

test("the range of waits doubles with each attempt, up to the limit", () => {
  const backoff = new Backoff(LIMITS, WIDEST);
  const waits = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(waits, [499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999]);
});

test("the jitter is full: a wait may be zero", () => {
  const backoff = new Backoff(LIMITS, NARROWEST);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [0, 0, 0]);
});

test("reset starts again with the shortest range", () => {
  const backoff = new Backoff(LIMITS, WIDEST);
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 499);
});

test("a pace sets a minimum and a wider range", () => {
  const pace = { floorMs: 5000, spreadMs: 10000 };
  assert.equal(new Backoff(LIMITS, NARROWEST).next(pace), 5000);
  assert.equal(new Backoff(LIMITS, WIDEST).next(pace), 14999);
});

test("a pace does not narrow a wider range", () => {
  const backoff = new Backoff(LIMITS, WIDEST);
  for (let attempt = 0; attempt < 8; attempt++) backoff.next();
  assert.equal(backoff.next({ floorMs: 5000, spreadMs: 10000 }), 34999);
});

test("a thousand attempts do not overflow", () => {
  const backoff = new Backoff(LIMITS, WIDEST);
  for (let attempt = 0; attempt < 2000; attempt++) backoff.next();
  assert.equal(backoff.next(), 29999);
});
