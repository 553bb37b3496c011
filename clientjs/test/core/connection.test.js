import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { TRANSITIONS } from "../../src/core/states.js";
import { Connection } from "../../src/core/connection.js";
import { TestConnection } from "../fakes/testconnection.js";
import { FakePage } from "../fakes/page.js";

let connection, received, page;

/** Start on a page with these settings. */
function start(settings) {
  ({ connection, received, page } = new TestConnection(settings));
}

const names = () => received.states.map(([state]) => state);
const lastState = () => received.states.at(-1);

beforeEach(() => start());

// Connecting.

test("the connect frame is the first, and the token is not in the URL", () => {
  page.socket.accept();
  assert.equal(page.socket.url, "/realtime");
  assert.deepEqual(page.socket.sent, [{ type: "connect", token: "T1", recover: {} }]);
});

test('a connected frame makes the state "connected", with user and transport', () => {
  page.welcome();
  const detail = { connection: "c1", user: "7", transport: "websocket" };
  assert.deepEqual(received.states, [["connecting", {}], ["connected", detail]]);
});

test('the state is "connecting" before the connected frame', () => {
  page.socket.accept();
  assert.deepEqual(names(), ["connecting"]);
});

test("a token is fetched first if there is none", () => {
  start({ token: undefined });
  assert.equal(page.sockets.length, 0);
  page.endpoint.answer(200, { token: "T9", url: "https://rt.example/realtime" });
  page.socket.accept();
  assert.equal(page.socket.url, "https://rt.example/realtime");
  assert.equal(page.socket.sent[0].token, "T9");
});

test("a URL that SockJS rejects closes the client, with the message of SockJS", () => {
  page = new FakePage();
  page.parts.opener.open = () => {
    throw new SyntaxError("The URL 'x' is invalid");
  };
  const listener = { _enter: (...args) => received.states.push(args) };
  new Connection(page.parts, listener).dispatch("connect");
  assert.deepEqual(lastState(), ["closed", { code: 0, reason: "The URL 'x' is invalid" }]);
});

// Ways to connect.

test("a way on which the gateway does not answer is replaced by the next one at once", () => {
  page.ways.isLeft = true;
  page.socket.accept();
  page.clock.advance(15000);
  assert.equal(connection.state, "opening");
  assert.deepEqual([page.sockets.length, page.sockets[0].isClosed], [2, true]);
  page.welcome();
  assert.deepEqual(names(), ["connecting", "connected"]);
});

test("the way is kept when the gateway has accepted, not before", () => {
  page.socket.accept();
  assert.equal(page.ways.count, 0);
  page.welcome();
  assert.equal(page.ways.count, 1);
});

test("a page that was connected keeps to its way, until two attempts have failed", () => {
  page.welcome();
  for (let attempt = 0; attempt < 4; attempt++) {
    page.socket.end(1006);
    page.clock.advance(lastState()[1].ms);
  }
  assert.deepEqual(page.sockets.map(({ isProven }) => isProven), [false, true, true, false, false]);
});

test("docs/states.md has the events of each state", () => {
  const text = readFileSync(new URL("../../../docs/states.md", import.meta.url), "utf8");
  const table = text.split("<!-- client states -->")[1].split("<!-- /client states -->")[0];
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, state, events]) => [state, events]);
  const expected = Object.entries(TRANSITIONS).map(([state, row]) => [state, Object.keys(row).join(", ")]);
  assert.deepEqual(rows, expected);
});

// Reconnecting.

for (const code of [1006, 1001, 1002, 2000, 3000, 3004, 3006, 3007, 3499, 4000, 4399]) {
  test(`after ${code} the client waits and reconnects with the same token`, () => {
    page.welcome();
    page.socket.end(code, "why");
    assert.deepEqual(lastState(), ["waiting", { ms: 500, code, reason: "why" }]);
    page.clock.advance(500);
    page.socket.accept();
    assert.equal(page.sockets.length, 2);
    assert.equal(page.socket.sent[0].token, "T1");
    assert.deepEqual(page.endpoint.urls, []);
  });
}

for (const code of [1000, 3500, 3999, 4500, 4501, 4502, 4503, 4999]) {
  test(`after ${code} the client does not reconnect by itself`, () => {
    page.welcome();
    page.socket.end(code, "why");
    assert.deepEqual(lastState(), ["closed", { code, reason: "why" }]);
    page.clock.advance(1e9);
    connection.dispatch("online");
    connection.dispatch("wake");
    assert.equal(page.sockets.length, 1);
    assert.equal(names().at(-1), "closed");
  });
}

test("the waits between failed attempts grow", () => {
  const waits = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    page.socket.end(1002);
    waits.push(lastState()[1].ms);
    page.clock.advance(lastState()[1].ms);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
});

test("a connected frame resets the back-off, an open socket does not", () => {
  const lose = () => {
    page.socket.end(1006);
    page.clock.advance(lastState()[1].ms);
    return received.states.at(-2)[1].ms;
  };
  page.socket.accept();
  assert.equal(lose(), 500);
  page.socket.accept();
  assert.equal(lose(), 1000);
  page.welcome();
  assert.equal(lose(), 500);
});

for (const [code, ms] of [[3001, 1500], [3002, 10000], [3003, 4500]]) {
  test(`${code} has a pace of its own`, () => {
    page.welcome();
    page.socket.end(code);
    assert.equal(lastState()[1].ms, ms);
  });
}

test("connect ends the wait", () => {
  page.socket.end(1006);
  connection.dispatch("connect");
  assert.equal(page.sockets.length, 2);
});

test("a busy gateway says when to come back", () => {
  page.welcome();
  page.socket.end(3002, "busy, come back in 12 s");
  assert.equal(lastState()[1].ms, 13500); // Up to a quarter more, at random.
});

// Frames.

test("a drain frame makes the client reconnect at a random moment within its seconds", () => {
  page.welcome();
  page.socket.deliver({ type: "drain", within: 10 });
  page.clock.advance(4999);
  assert.equal(page.sockets.length, 1);
  page.clock.advance(1);
  assert.equal(page.sockets.length, 2);
  assert.equal(page.sockets[0].isClosed, true);
  assert.deepEqual(names(), ["connecting", "connected", "connecting"]);
});

test("a drain frame has no effect after the connection is lost", () => {
  page.welcome();
  page.socket.deliver({ type: "drain", within: 10 });
  page.socket.end(3001);
  page.clock.advance(1500);
  page.welcome();
  page.clock.advance(10000);
  assert.equal(page.sockets.length, 2);
});

test("publications are delivered, duplicates are not", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  for (const offset of [43, 43, 44]) page.socket.deliver({ channel: "user:7", data: 1, offset });
  assert.deepEqual(received.publications.map(({ offset }) => offset), [43, 44]);
});

test('a reconnect sends the positions in "recover"', () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 }, broadcast: {} } });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 43 });
  page.socket.end(1006);
  page.clock.advance(500);
  page.socket.accept();
  assert.deepEqual(page.socket.sent[0].recover, { "user:7": ["k3", 43] });
});

test("the first publication of a new epoch is delivered without a gap", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  for (const at of [{ epoch: "k4", offset: 1 }, { offset: 2 }]) {
    page.socket.deliver({ channel: "user:7", data: 1, ...at });
  }
  assert.deepEqual(received.publications.map(({ offset }) => offset), [1, 2]);
  assert.deepEqual(received.frames, []);
});

test("skipped offsets are no publications, and no gap", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  page.socket.deliver({ type: "skipped", channel: "user:7", offset: 43 });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 44 });
  page.socket.deliver({ type: "skipped", channel: "user:7", epoch: "k4", offset: 1 });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 2 });
  assert.deepEqual(received.publications.map(({ offset }) => offset), [44, 2]);
  assert.deepEqual(received.frames, []);
  page.socket.deliver({ type: "skipped", channel: "user:7", offset: 4 });
  assert.deepEqual(received.frames, [{ type: "gap", channel: "user:7" }]);
});

test("missing publications emit a gap, before the next publication", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 45 });
  assert.deepEqual(received.frames, [{ type: "gap", channel: "user:7" }]);
  assert.deepEqual(received.publications.map(({ offset }) => offset), [45]);
});

test("any other frame is passed on, and does not change the state", () => {
  page.welcome();
  for (const type of ["gap", "error", "presence", "join", "from the future"]) {
    page.socket.deliver({ type });
  }
  const types = received.frames.map(({ type }) => type);
  assert.deepEqual(types, ["gap", "error", "presence", "join", "from the future"]);
  assert.equal(connection.state, "connected");
});

test("a refreshed frame is passed on", () => {
  page.welcome();
  page.socket.deliver({ type: "refreshed", user: "8", expires: null });
  assert.deepEqual(received.refreshed.map(({ user }) => user), ["8"]);
});

for (const text of ["", "no JSON", "null", "[]", '{"type":"news to me"}', '{"type":"constructor"}']) {
  test(`an unknown message is ignored: ${text}`, () => {
    page.welcome();
    page.socket.deliver(text);
    assert.equal(connection.state, "connected");
  });
}

// Closing.

for (const state of ["fetching", "opening", "greeting", "connected", "waiting", "offline"]) {
  test(`closed by the page while ${state}, the client stays closed`, () => {
    start(state === "fetching" ? { token: undefined } : {});
    if (state === "greeting") page.socket.accept();
    if (state === "connected") page.welcome();
    if (state === "waiting") page.socket.end(1006);
    if (state === "offline") page.network.goOffline();
    assert.equal(connection.state, state);
    connection.dispatch("close", { code: 1000, reason: "closed by the page" });
    page.clock.advance(1e9);
    connection.dispatch("online");
    assert.deepEqual(lastState(), ["closed", { code: 1000, reason: "closed by the page" }]);
    assert.ok(page.sockets.every(({ isClosed }) => isClosed || state === "waiting"));
  });
}

test("connect after the end resets back-off and refusals", () => {
  page.endpoint.willIssue("T2");
  page.socket.end(4400);
  page.clock.advance(500);
  page.socket.end(4400);
  page.endpoint.willIssue("T3");
  connection.dispatch("connect");
  page.socket.end(4400);
  assert.deepEqual(lastState()[1].ms, 500);
});

test("a refused token that names a time is replaced again and again", () => {
  for (const token of ["T2", "T3", "T4"]) {
    page.endpoint.willIssue(token);
    page.socket.end(4400, "token refused, come back in 12 s");
    assert.equal(lastState()[1].ms, 13500);
    page.clock.advance(13500);
    page.socket.accept();
    assert.equal(page.socket.sent[0].token, token);
  }
});

test("a handler may close the connection during its call", () => {
  connection.listener._enter = (state) => {
    if (state === "waiting") connection.dispatch("close", { code: 1000, reason: "" });
  };
  page.socket.end(1006);
  page.clock.advance(1e9);
  assert.equal(connection.state, "closed");
  assert.equal(page.sockets.length, 1);
});

test("neither tokens nor payloads are logged", () => {
  page.endpoint.willIssue("T2");
  page.welcome();
  page.socket.deliver({ channel: "user:7", data: "payload" });
  page.socket.end(4400);
  page.clock.advance(500);
  page.socket.accept();
  assert.ok(page.logged.length >= 4);
  assert.doesNotMatch([...page.logged, ...page.warned].join("\n"), /T1|T2|payload/);
});
