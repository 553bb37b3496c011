import assert from "node:assert/strict";
import { test } from "node:test";

import { SharedSocket } from "../../src/shared/socket.js";
import { FakeClock } from "../fakes/clock.js";
import { FakeLocks, settle } from "../fakes/tabs.js";

const DRAIN = '{"type":"drain","within":0}';

/** A socket, and dialers that record what it posts. */
class Dialed {
  clock = new FakeClock();
  locks = new FakeLocks();
  posted = [];
  events = [];
  failures = 0;
  remembered = [];
  isLeft = true;

  constructor() {
    this.socket = new SharedSocket({
      remember: (text) => this.remembered.push(text),
      nextDialer: () => (this.isLeft ? this.#dialer : null),
      clock: this.clock,
      locks: this.locks,
      hello: { type: "open" },
    });
    for (const name of ["onopen", "onmessage", "onclose"]) {
      this.socket[name] = (event) => this.events.push([name, event.data ?? event.code]);
    }
  }

  #dialer = {
    failed: () => (this.failures += 1),
    dial: () => ({ post: (message) => this.posted.push(message.type), close: () => this.posted.push("hung up") }),
  };

  say(type, more) {
    this.socket.received({ type, ...more });
  }
}

test("the socket opens when the hub answers, and holds a lock", async () => {
  const dialed = new Dialed();
  assert.deepEqual(dialed.posted, ["open"]);
  dialed.say("opened");
  await settle();
  assert.deepEqual(dialed.events, [["onopen", undefined]]);
  assert.deepEqual(dialed.posted, ["open", "held"]);
});

test("a hub that does not answer is dialed again, until there is no way left", () => {
  const dialed = new Dialed();
  dialed.clock.advance(4000);
  assert.deepEqual([dialed.failures, dialed.posted], [1, ["open", "close", "hung up", "open"]]);
  dialed.isLeft = false;
  dialed.clock.advance(4000);
  assert.deepEqual(dialed.events, [["onclose", 2000]]);
});

test("frames, the transport and the close code are the hub's", () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.say("transport", { name: "websocket", remembered: "polling 1 /x" });
  dialed.say("frame", { text: "{}" });
  assert.equal(dialed.socket.transport, "websocket");
  assert.deepEqual(dialed.remembered, ["polling 1 /x"]);
  dialed.say("closed", { code: 4500 });
  dialed.clock.advance(0);
  assert.deepEqual(dialed.events.slice(-2), [["onmessage", "{}"], ["onclose", 4500]]);
});

test("the socket asks for the hub, and lets the client reconnect when nothing answers", () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.say("transport", { name: "websocket" });
  dialed.clock.advance(3000);
  assert.equal(dialed.posted.at(-1), "alive");
  dialed.say("alive");
  dialed.clock.advance(3000);
  assert.equal(dialed.posted.filter((type) => type === "alive").length, 2);
  dialed.clock.advance(2000);
  assert.equal(dialed.failures, 1);
  assert.deepEqual(dialed.events.at(-1), ["onmessage", DRAIN]);
});

test("a client without a welcome is closed, because it does not handle drain", () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.socket.lost();
  dialed.clock.advance(0);
  assert.deepEqual(dialed.events.at(-1), ["onclose", 1006]);
});

test("a page that has slept asks again, before it gives the hub up", () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.clock.advance(3000);
  const { now } = dialed.clock;
  dialed.clock.now = () => now() + 60000;
  dialed.clock.advance(2000);
  assert.equal(dialed.failures, 0);
  assert.equal(dialed.posted.filter((type) => type === "alive").length, 2);
});

test("a worker that crashes is noticed at once", () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.say("transport", { name: "websocket" });
  dialed.socket.gone();
  assert.deepEqual(dialed.events.at(-1), ["onmessage", DRAIN]);
});

test("after close, nothing is received, and the hub knows", async () => {
  const dialed = new Dialed();
  dialed.say("opened");
  dialed.socket.close();
  dialed.say("frame", { text: "{}" });
  await settle();
  assert.deepEqual(dialed.events, [["onopen", undefined]]);
  assert.ok(dialed.posted.includes("close"));
  assert.equal(dialed.clock.pending, 0);
});

test("a way that the browser refuses is given up at once", () => {
  const dialed = new Dialed();
  const refused = {
    isBroken: false,
    dial: () => {
      throw new Error("SecurityError");
    },
  };
  const ends = [];
  const socket = new SharedSocket({
      remember: () => {},
    nextDialer: () => (refused.isBroken ? null : refused),
    clock: dialed.clock,
    locks: dialed.locks,
    hello: { type: "open" },
  });
  socket.onclose = ({ code }) => ends.push(code);
  dialed.clock.advance(0);
  assert.deepEqual(ends, [2000]);
});
