import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Positions } from "../src/positions.js";

let positions;
const publication = (offset, channel = "user:7") => ({ channel, data: 1, offset });
const meet = (epoch, offset, recovered) => positions.meet("user:7", { epoch, offset, recovered });
const recover = () => positions.recover(() => false);

beforeEach(() => {
  positions = new Positions();
});

test("a channel without a history has no position", () => {
  assert.equal(positions.meet("user:7", {}), true);
  assert.deepEqual(recover(), {});
});

test("at first it begins at the top", () => {
  assert.equal(meet("k3", 42), true);
  assert.deepEqual(recover(), { "user:7": ["k3", 42] });
});

test("a publication moves the position on, and is taken once", () => {
  meet("k3", 42);
  assert.equal(positions.take(publication(43)), "next");
  assert.equal(positions.take(publication(43)), "again");
  assert.equal(positions.take(publication(42)), "again");
  assert.deepEqual(recover(), { "user:7": ["k3", 43] });
});

test("a publication that does not follow is ahead, and moves the position on", () => {
  meet("k3", 42);
  assert.equal(positions.take(publication(45)), "ahead");
  assert.equal(positions.take(publication(46)), "next");
  assert.equal(positions.take(publication(44)), "again");
});

test("a publication that names another epoch is its first, and follows", () => {
  meet("k3", 42);
  assert.equal(positions.take({ ...publication(1), epoch: "k4" }), "next");
  assert.equal(positions.take({ ...publication(1), epoch: "k4" }), "again");
  assert.equal(positions.take(publication(2)), "next");
  assert.deepEqual(recover(), { "user:7": ["k4", 2] });
});

test("what was recovered follows on what was heard", () => {
  meet("k3", 42);
  assert.equal(meet("k3", 45, true), true);
  for (const offset of [43, 44, 45]) assert.equal(positions.take(publication(offset)), "next");
});

test("what could not be recovered is lost, and it goes on at the top", () => {
  meet("k3", 42);
  assert.equal(meet("k3", 900, false), false);
  assert.deepEqual(recover(), { "user:7": ["k3", 900] });
});

test("a new epoch begins anew, and what was heard of the old one is not continued", () => {
  meet("k3", 42);
  assert.equal(meet("k4", 2, false), false);
  assert.equal(positions.take(publication(2)), "again");
  assert.equal(positions.take(publication(3)), "next");
  assert.deepEqual(recover(), { "user:7": ["k4", 3] });
});

test("a history that is gone cannot be recovered, and is not asked for again", () => {
  meet("k3", 42);
  assert.equal(positions.meet("user:7", { recovered: false }), false);
  assert.deepEqual(recover(), {});
});

test("a plain publication, or one of a channel without a history, is always next", () => {
  meet("k3", 42);
  for (const _ of [1, 2]) {
    assert.equal(positions.take({ channel: "user:7", data: 1 }), "next");
    assert.equal(positions.take(publication(1, "broadcast")), "next");
  }
});

test("what is asked for by itself is left out, and what is forgotten", () => {
  for (const channel of ["user:7", "room:7", "room:8"]) positions.put(channel, ["k3", 1]);
  positions.forget("room:8");
  const given = positions.recover((channel) => channel === "room:7");
  assert.deepEqual(given, { "user:7": ["k3", 1] });
});

for (const channel of ["constructor", "__proto__", "toString"]) {
  test(`a channel called ${channel} does no harm`, () => {
    positions.meet(channel, { epoch: "k3", offset: 1 });
    assert.equal(positions.take(publication(2, channel)), "next");
    positions.forget(channel);
    assert.equal({}.epoch, undefined);
  });
}
