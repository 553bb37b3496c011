/** Publications that a loaded state contains are not delivered again. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { SeenState } from "../../src/state/seen.js";

const at = (offset) => ({ event: "news", data: 1, offset });

function loaded(position, start = { type: "subscribed", epoch: "k3", offset: 10 }) {
  const seen = new SeenState((state) => state.position);
  seen.start(start);
  seen.load({ position });
  return seen;
}

const offsets = (seen, ...given) => given.filter((offset) => !seen.has(at(offset)));

test("publications up to the position of the state are in it", () => {
  assert.deepEqual(offsets(loaded(["k3", 12]), 11, 12, 13), [13]);
});

test("a message that comes twice, for its event and for every event, is the same both times", () => {
  const seen = loaded(["k3", 11]);
  const [old, fresh] = [at(11), at(12)];
  assert.deepEqual([old, old, fresh, fresh].map((message) => seen.has(message)), [true, true, false, false]);
});

for (const position of [undefined, null, ["k2", 12]]) {
  test(`nothing is known to be in a state with the position ${JSON.stringify(position)}`, () => {
    assert.deepEqual(offsets(loaded(position), 11, 12), [11, 12]);
  });
}

test("plain publications are delivered", () => {
  assert.equal(loaded(["k3", 12]).has({ event: "news", data: 1 }), false);
});

test("the first publication of another epoch is new", () => {
  assert.deepEqual(offsets(loaded(["k3", 12]), 1, 2), [1, 2]);
});

test("another epoch after a gap makes the position void, the same one keeps it", () => {
  const seen = loaded(["k3", 12]);
  seen.start({ type: "gap", epoch: "k3", offset: 10 });
  assert.deepEqual(offsets(seen, 11), []);
  seen.start({ type: "gap", epoch: "k4", offset: 3 });
  assert.deepEqual(offsets(seen, 4, 12), [4, 12]);
});

test("a subscription without a position leaves the epoch unknown, a recovered one keeps it", () => {
  const seen = loaded(["k3", 12]);
  seen.start({ type: "subscribed", recovered: true });
  assert.deepEqual(offsets(seen, 11), []);
  seen.start({ type: "subscribed" });
  assert.deepEqual(offsets(seen, 12), [12]);
});

test("without positionOf everything is delivered", () => {
  const seen = new SeenState(undefined);
  seen.start({ type: "subscribed", epoch: "k3", offset: 10 });
  seen.load({});
  assert.deepEqual(offsets(seen, 11), [11]);
});
