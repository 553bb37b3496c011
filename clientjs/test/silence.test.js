import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DEADLINES_MS, TRANSITIONS } from "../src/states.js";
import { Line } from "./fakes/line.js";

let connection, heard, page;

/** Begin on a page with these settings. */
function start(settings) {
  ({ connection, heard, page } = new Line(settings));
}

const lastState = () => heard.states.at(-1);

beforeEach(() => start());

// Time.

for (const [state, ms] of [["seeking", 20000], ["opening", 60000], ["greeting", 15000]]) {
  test(`${state} for ${ms} ms is too long`, () => {
    start(state === "seeking" ? { token: undefined } : {});
    if (state === "greeting") page.socket.accept();
    assert.equal(connection.state, state);
    page.clock.advance(ms - 1);
    assert.equal(connection.state, state);
    page.clock.advance(1);
    assert.deepEqual(lastState(), ["waiting", { ms: 500, code: 0, reason: "no answer in time" }]);
    assert.ok(page.socket ? page.socket.isClosed : page.endpoint.aborted === 1);
  });
}

test("a connection that gives no sign of life is given up", () => {
  page.welcome();
  page.clock.advance(62499);
  assert.equal(connection.state, "connected");
  page.clock.advance(1);
  assert.deepEqual(lastState(), ["waiting", { ms: 500, code: 3007, reason: "no sign of life" }]);
  assert.equal(page.socket.isClosed, true);
});

test("heartbeats and frames are signs of life", () => {
  page.welcome();
  for (let i = 0; i < 10; i++) {
    page.clock.advance(40000);
    if (i % 2) page.socket.beat();
    else page.socket.deliver({ channel: "broadcast", data: i });
  }
  page.clock.advance(62499);
  assert.equal(connection.state, "connected");
  page.clock.advance(1);
  assert.equal(connection.state, "waiting");
});

test("a page that wakes from a long sleep comes back at once", () => {
  page.welcome();
  connection.happen("wake");
  assert.equal(connection.state, "connected");
  page.socket.end(1006);
  connection.happen("wake");
  assert.equal(connection.state, "opening");
});

test("a gateway without Redis interrupts the connection, and resumes it", () => {
  page.welcome();
  const detail = { connection: "c1", user: "7", transport: "websocket" };
  page.socket.deliver({ type: "interrupted" });
  assert.deepEqual(lastState(), ["interrupted", detail]);
  page.socket.deliver({ type: "resumed" });
  assert.deepEqual(lastState(), ["connected", detail]);
  assert.equal(page.sockets.length, 1);
});

test("an interrupted connection is lost like any other", () => {
  page.welcome();
  page.socket.deliver({ type: "interrupted" });
  page.socket.end(1006);
  assert.equal(connection.state, "waiting");
});

test("every state but closed has a deadline", () => {
  for (const state of Object.keys(TRANSITIONS)) {
    const hasOne = state in DEADLINES_MS || state === "waiting"; // the wait itself
    assert.equal(hasOne, state !== "closed", state);
    assert.equal("late" in TRANSITIONS[state], hasOne, state);
  }
});

// Network.

test("while offline nothing is tried, and once online it goes on at once", () => {
  page.welcome();
  page.network.goOffline();
  assert.deepEqual(lastState(), ["offline", {}]);
  assert.equal(page.socket.isClosed, true);
  page.clock.advance(1e6);
  assert.equal(page.sockets.length, 1);
  page.network.goOnline();
  assert.equal(page.sockets.length, 2);
});

test("a loss while the browser knows that it is offline does not use up attempts", () => {
  page.welcome();
  page.network.silentlyOnline = false;
  page.socket.end(1006);
  assert.equal(lastState()[0], "offline");
});

test("a browser that comes online without a word is found out", () => {
  page.network.goOffline();
  page.clock.advance(45000);
  page.network.silentlyOnline = true;
  page.clock.advance(15000);
  assert.equal(connection.state, "opening");
});

for (const prepare of ["seeking", "waiting"]) {
  test(`going offline while ${prepare} stops it`, () => {
    start(prepare === "seeking" ? { token: undefined } : {});
    if (prepare === "waiting") page.socket.end(1006);
    page.network.goOffline();
    page.clock.advance(1e7);
    assert.equal(connection.state, "offline");
    assert.ok(page.sockets.length <= 1);
  });
}
