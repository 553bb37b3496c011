import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { DEADLINES_MS, TRANSITIONS } from "../../src/core/states.js";
import { TestConnection } from "../fakes/testconnection.js";

let connection, received, page;

/** Start on a page with these settings. */
function start(settings) {
  ({ connection, received, page } = new TestConnection(settings));
}

const lastState = () => received.states.at(-1);

beforeEach(() => start());

// Time.

for (const [state, ms] of [["fetching", 20000], ["opening", 20000], ["greeting", 15000]]) {
  test(`${state} times out after ${ms} ms`, () => {
    start(state === "fetching" ? { token: undefined } : {});
    if (state === "greeting") page.socket.accept();
    assert.equal(connection.state, state);
    page.clock.advance(ms - 1);
    assert.equal(connection.state, state);
    page.clock.advance(1);
    assert.deepEqual(lastState(), ["waiting", { ms: 500, code: 0, reason: "no answer in time" }]);
    assert.ok(page.socket ? page.socket.isClosed : page.endpoint.aborted === 1);
  });
}

const pings = () => page.socket.sent.filter(({ type }) => type === "ping").length;
const pong = () => page.socket.deliver({ type: "pong" });

test("a silent link is asked after 30 s, and given up 5 s later", () => {
  page.welcome();
  page.clock.advance(29999);
  assert.equal(pings(), 0);
  page.clock.advance(1);
  assert.equal(pings(), 1);
  page.clock.advance(4999);
  assert.equal(connection.state, "connected");
  page.clock.advance(1);
  assert.deepEqual(lastState(), ["waiting", { ms: 500, code: 3007, reason: "no sign of life" }]);
  assert.equal(page.sockets[0].isClosed, true);
});

test("every frame and heartbeat is a sign of life", () => {
  page.welcome();
  for (let i = 0; i < 12; i++) {
    page.clock.advance(34999);
    assert.equal(pings(), i + 1);
    if (i % 3 === 0) page.socket.beat();
    if (i % 3 === 1) page.socket.deliver({ channel: "broadcast", data: i });
    if (i % 3 === 2) pong();
  }
  assert.equal(connection.state, "connected");
});

test("a link that is not silent is not asked", () => {
  page.welcome({ heartbeat: 25 });
  for (let i = 0; i < 10; i++) {
    page.clock.advance(26000);
    page.socket.beat();
  }
  assert.equal(pings(), 0);
});

test("the round trip is that of the connect, then that of the last ping", () => {
  page.socket.accept();
  page.clock.advance(140);
  page.welcome();
  page.clock.advance(30000);
  page.clock.advance(55);
  page.socket.deliver({ channel: "broadcast", data: 1 });
  page.clock.advance(5);
  pong();
  pong();
  assert.deepEqual(received.measured, [140, 60]);
});

for (const event of ["wake", "online"]) {
  test(`a connected page asks on ${event} if it has received nothing lately`, () => {
    page.welcome();
    page.clock.advance(4999);
    connection.dispatch(event);
    assert.equal(pings(), 0);
    page.clock.advance(1);
    connection.dispatch(event);
    connection.dispatch(event);
    assert.equal(pings(), 1);
    page.clock.advance(5000);
    assert.equal(lastState()[1].code, 3007);
  });
}

test("an interrupted link is asked, too", () => {
  page.welcome();
  page.socket.deliver({ type: "interrupted" });
  page.clock.advance(30000);
  assert.equal(pings(), 1);
  page.clock.advance(5000);
  assert.equal(connection.state, "waiting");
});

test("a page that slept past a ping reconnects when it wakes up", () => {
  page.welcome();
  page.clock.advance(30000);
  page.clock.sleep(1e6);
  connection.dispatch("wake");
  assert.equal(lastState()[1].code, 3007);
});

test("a page that wakes from a long sleep reconnects at once", () => {
  page.welcome();
  connection.dispatch("wake");
  assert.equal(connection.state, "connected");
  page.socket.end(1006);
  connection.dispatch("wake");
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
    assert.equal("timeout" in TRANSITIONS[state], state !== "closed", state);
  }
  const COMPUTED = ["closed", "connected", "greeting", "interrupted", "offline", "waiting"];
  const states = Object.keys(TRANSITIONS).filter((state) => !(state in DEADLINES_MS));
  assert.deepEqual(states.sort(), COMPUTED);
});

test("a deadline is set on entering each state", () => {
  const pending = () => page.clock.pending;
  page.welcome();
  assert.ok(pending() > 0, connection.state);
  page.socket.deliver({ type: "interrupted" });
  assert.ok(pending() > 0, connection.state);
  page.network.goOffline();
  assert.ok(pending() > 0, connection.state);
});

// Network.

test("the client tries again while navigator.onLine is false", () => {
  page.welcome();
  page.network.goOffline();
  assert.deepEqual(lastState(), ["offline", {}]);
  assert.equal(page.socket.isClosed, true);
  page.clock.advance(30000);
  page.welcome();
  assert.equal(connection.state, "connected");
});

test("attempts while offline become rare", () => {
  page.welcome();
  page.network.goOffline();
  for (let i = 0; i < 20; i++) {
    page.clock.advance(30000);
    if (connection.state === "opening") page.socket.end(1002);
  }
  const before = page.sockets.length;
  page.clock.advance(10000);
  assert.ok(page.sockets.length <= before + 1);
  assert.ok(before > 5);
});

test("an online event starts an attempt at once", () => {
  page.welcome();
  page.network.goOffline();
  page.network.goOnline();
  assert.equal(page.sockets.length, 2);
});

test("a gateway with short heartbeats is asked sooner, one with long ones is not asked later", () => {
  for (const [heartbeat, ms] of [[5, 6000], [25, 30000], [120, 30000], [undefined, 30000]]) {
    start();
    page.welcome({ heartbeat });
    page.clock.advance(ms - 1);
    assert.equal(pings(), 0, `${heartbeat}`);
    page.clock.advance(1);
    assert.equal(pings(), 1, `${heartbeat}`);
  }
});

test("a loss while the browser is offline does not count as an attempt", () => {
  page.welcome();
  page.network.silentlyOnline = false;
  page.socket.end(1006);
  assert.equal(lastState()[0], "offline");
});

test("a browser that is online again without an event reconnects", () => {
  page.network.goOffline();
  page.clock.advance(45000);
  page.network.silentlyOnline = true;
  page.clock.advance(15000);
  assert.equal(connection.state, "opening");
});

for (const prepare of ["fetching", "waiting"]) {
  test(`going offline while ${prepare} shows the page that it is offline`, () => {
    start(prepare === "fetching" ? { token: undefined } : {});
    if (prepare === "waiting") page.socket.end(1006);
    page.network.goOffline();
    assert.equal(connection.state, "offline");
  });
}
