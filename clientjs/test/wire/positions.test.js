import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Positions } from "../../src/wire/positions.js";

let positions;
const publication = (offset, channel = "user:7") => ({ channel, data: 1, offset });
const start = (epoch, offset, recovered) => positions.start("user:7", { epoch, offset, recovered });
const recover = () => positions.recover(() => false);

beforeEach(() => {
  positions = new Positions();
});

test("a channel without a history has no position", () => {
  assert.equal(positions.start("user:7", {}), true);
  assert.deepEqual(recover(), {});
});

test("a first subscription starts at the newest offset", () => {
  assert.equal(start("k3", 42), true);
  assert.deepEqual(recover(), { "user:7": ["k3", 42] });
});

test("a publication moves the position, and is accepted once", () => {
  start("k3", 42);
  assert.equal(positions.take(publication(43)), "next");
  assert.equal(positions.take(publication(43)), "again");
  assert.equal(positions.take(publication(42)), "again");
  assert.deepEqual(recover(), { "user:7": ["k3", 43] });
});

test('a publication after a hole is "ahead", and moves the position', () => {
  start("k3", 42);
  assert.equal(positions.take(publication(45)), "ahead");
  assert.equal(positions.take(publication(46)), "next");
  assert.equal(positions.take(publication(44)), "again");
});

test("a publication with another epoch is the first of that epoch", () => {
  start("k3", 42);
  assert.equal(positions.take({ ...publication(1), epoch: "k4" }), "next");
  assert.equal(positions.take({ ...publication(1), epoch: "k4" }), "again");
  assert.equal(positions.take(publication(2)), "next");
  assert.deepEqual(recover(), { "user:7": ["k4", 2] });
});

test("recovered publications follow the position", () => {
  start("k3", 42);
  assert.equal(start("k3", 45, true), true);
  for (const offset of [43, 44, 45]) assert.equal(positions.take(publication(offset)), "next");
});

test("without recovery publications are lost, and the newest offset is the position", () => {
  start("k3", 42);
  assert.equal(start("k3", 900, false), false);
  assert.deepEqual(recover(), { "user:7": ["k3", 900] });
});

test("a new epoch replaces the position of the old one", () => {
  start("k3", 42);
  assert.equal(start("k4", 2, false), false);
  assert.equal(positions.take(publication(2)), "again");
  assert.equal(positions.take(publication(3)), "next");
  assert.deepEqual(recover(), { "user:7": ["k4", 3] });
});

test("a new epoch that the gateway did not recover from is a loss, whatever it says", () => {
  start("k3", 42);
  assert.equal(start("k4", 2), false);
  assert.deepEqual(recover(), { "user:7": ["k4", 2] });
});

test("a history that is gone is lost, and its position is forgotten", () => {
  start("k3", 42);
  assert.equal(positions.start("user:7", { recovered: false }), false);
  assert.deepEqual(recover(), {});
});

for (const wanted of [20, "all"]) {
  test(`the newest publications are wanted until the channel starts: ${wanted}`, () => {
    positions.put("user:7", wanted);
    assert.deepEqual(recover(), { "user:7": wanted });
    assert.equal(start("a", 22, true), true);
    assert.deepEqual(recover(), { "user:7": ["a", 22] });
    assert.equal(positions.take(publication(23)), "next");
  });

  test(`the newest publications that the gateway does not hand out are lost: ${wanted}`, () => {
    positions.put("user:7", wanted);
    assert.equal(start("k3", 22, false), false);
    assert.deepEqual(recover(), { "user:7": ["k3", 22] });
  });
}

test("a state that the gateway does not hand out is lost", () => {
  assert.equal(start("k3", 22, false), false);
});

test("a plain publication, or one of a channel without a history, is always next", () => {
  start("k3", 42);
  for (const _ of [1, 2]) {
    assert.equal(positions.take({ channel: "user:7", data: 1 }), "next");
    assert.equal(positions.take(publication(1, "broadcast")), "next");
  }
});

test("recover omits requested and forgotten channels", () => {
  for (const channel of ["user:7", "room:7", "room:8"]) positions.put(channel, ["k3", 1]);
  positions.forget("room:8");
  const result = positions.recover((channel) => channel === "room:7");
  assert.deepEqual(result, { "user:7": ["k3", 1] });
});

for (const channel of ["constructor", "__proto__", "toString"]) {
  test(`a channel may have the name ${channel}`, () => {
    positions.start(channel, { epoch: "k3", offset: 1 });
    assert.equal(positions.take(publication(2, channel)), "next");
    positions.forget(channel);
    assert.equal({}.epoch, undefined);
  });
}
