import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Positions } from "../src/positions.js";

let positions;
const publication = (offset, channel = "user:7") => ({ channel, data: 1, offset });
const welcome = (epoch, offset) => positions.welcome({ "user:7": { epoch, offset } });

beforeEach(() => {
  positions = new Positions();
});

test("a channel without a history has no position", () => {
  positions.welcome({ "user:7": {}, broadcast: null });
  assert.deepEqual(positions.recover(), {});
});

test("a first welcome begins at the top", () => {
  welcome("k3", 42);
  assert.deepEqual(positions.recover(), { "user:7": ["k3", 42] });
});

test("a publication moves the position on, and is accepted once", () => {
  welcome("k3", 42);
  assert.equal(positions.accept(publication(43)), true);
  assert.equal(positions.accept(publication(43)), false);
  assert.equal(positions.accept(publication(42)), false);
  assert.deepEqual(positions.recover(), { "user:7": ["k3", 43] });
});

test("a later welcome leaves what was heard, so that what was missed is accepted", () => {
  welcome("k3", 42);
  welcome("k3", 45);
  for (const offset of [43, 44, 45]) assert.equal(positions.accept(publication(offset)), true);
});

test("a new epoch begins anew", () => {
  welcome("k3", 42);
  welcome("k4", 2);
  assert.equal(positions.accept(publication(2)), false);
  assert.equal(positions.accept(publication(3)), true);
  assert.deepEqual(positions.recover(), { "user:7": ["k4", 3] });
});

test("a plain publication, or one of a channel without a history, is always accepted", () => {
  welcome("k3", 42);
  for (const _ of [1, 2]) {
    assert.equal(positions.accept({ channel: "user:7", data: 1 }), true);
    assert.equal(positions.accept(publication(1, "broadcast")), true);
  }
});

test("after a gap, what is lost is not asked for again", () => {
  welcome("k3", 42);
  welcome("k3", 900);
  positions.skip("user:7");
  assert.deepEqual(positions.recover(), { "user:7": ["k3", 900] });
});

test("a gap does not take a position back", () => {
  welcome("k3", 42);
  positions.accept(publication(50));
  positions.skip("user:7");
  positions.skip("room:7");
  assert.deepEqual(positions.recover(), { "user:7": ["k3", 50] });
});

for (const channel of ["constructor", "__proto__", "toString"]) {
  test(`a channel called ${channel} does no harm`, () => {
    positions.welcome(JSON.parse(`{"${channel}":{"epoch":"k3","offset":1}}`));
    assert.equal(positions.accept(publication(2, channel)), true);
    positions.skip(channel);
    assert.equal({}.epoch, undefined);
  });
}
