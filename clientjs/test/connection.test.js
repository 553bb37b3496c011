import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Connection } from "../src/connection.js";
import { Line } from "./fakes/line.js";
import { FakePage } from "./fakes/page.js";

let connection, heard, page;

/** Begin on a page with these settings. */
function start(settings) {
  ({ connection, heard, page } = new Line(settings));
}

const names = () => heard.states.map(([state]) => state);
const lastState = () => heard.states.at(-1);

beforeEach(() => start());

// The way in.

test("the connect frame is the first, with the token and nothing in the URL", () => {
  page.socket.accept();
  assert.equal(page.socket.url, "/realtime");
  assert.deepEqual(page.socket.sent, [{ type: "connect", token: "T1", recover: {} }]);
});

test("a welcome makes it connected, and says as whom and how", () => {
  page.welcome();
  const detail = { connection: "c1", user: "7", transport: "websocket" };
  assert.deepEqual(heard.states, [["connecting", {}], ["connected", detail]]);
});

test("before the welcome it is not connected", () => {
  page.socket.accept();
  assert.deepEqual(names(), ["connecting"]);
});

test("a token is fetched first where there is none", () => {
  start({ token: undefined });
  assert.equal(page.sockets.length, 0);
  page.endpoint.answer(200, { token: "T9", url: "https://rt.example/realtime" });
  page.socket.accept();
  assert.equal(page.socket.url, "https://rt.example/realtime");
  assert.equal(page.socket.sent[0].token, "T9");
});

test("a URL that SockJS does not take closes for good, with its words", () => {
  page = new FakePage();
  page.parts.open = () => {
    throw new SyntaxError("The URL 'x' is invalid");
  };
  const listener = { state: (...given) => heard.states.push(given) };
  new Connection(page.parts, listener).happen("connect");
  assert.deepEqual(lastState(), ["closed", { code: 0, reason: "The URL 'x' is invalid" }]);
});

// Coming back.

for (const code of [1006, 1001, 1002, 2000, 3000, 3004, 3006, 3007, 3499, 4000, 4399]) {
  test(`after ${code} it waits and comes back with the same token`, () => {
    page.welcome();
    page.socket.end(code, "why");
    assert.deepEqual(lastState(), ["waiting", { ms: 500, code, reason: "why" }]);
    page.clock.advance(500);
    page.socket.accept();
    assert.equal(page.sockets.length, 2);
    assert.equal(page.socket.sent[0].token, "T1");
    assert.deepEqual(page.endpoint.asked, []);
  });
}

for (const code of [1000, 3500, 3999, 4500, 4501, 4502, 4503, 4999]) {
  test(`after ${code} it never comes back by itself`, () => {
    page.welcome();
    page.socket.end(code, "why");
    assert.deepEqual(lastState(), ["closed", { code, reason: "why" }]);
    page.clock.advance(1e9);
    connection.happen("online");
    connection.happen("wake");
    assert.equal(page.sockets.length, 1);
    assert.equal(names().at(-1), "closed");
  });
}

test("attempts that fail are further and further apart", () => {
  const waits = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    page.socket.end(1002);
    waits.push(lastState()[1].ms);
    page.clock.advance(lastState()[1].ms);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
});

test("an open socket does not reset the back-off, a welcome does", () => {
  const lose = () => {
    page.socket.end(1006);
    page.clock.advance(lastState()[1].ms);
    return heard.states.at(-2)[1].ms;
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

test("connect does not wait any longer", () => {
  page.socket.end(1006);
  connection.happen("connect");
  assert.equal(page.sockets.length, 2);
});

// Frames.

test("a drain moves the client at a random moment within", () => {
  page.welcome();
  page.socket.deliver({ type: "drain", within: 10 });
  page.clock.advance(4999);
  assert.equal(page.sockets.length, 1);
  page.clock.advance(1);
  assert.equal(page.sockets.length, 2);
  assert.equal(page.sockets[0].isClosed, true);
  assert.deepEqual(names(), ["connecting", "connected", "connecting"]);
});

test("a drain is over when the connection is", () => {
  page.welcome();
  page.socket.deliver({ type: "drain", within: 10 });
  page.socket.end(3001);
  page.clock.advance(1500);
  page.welcome();
  page.clock.advance(10000);
  assert.equal(page.sockets.length, 2);
});

test("publications are told, duplicates are not", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  for (const offset of [43, 43, 44]) page.socket.deliver({ channel: "user:7", data: 1, offset });
  assert.deepEqual(heard.publications.map(({ offset }) => offset), [43, 44]);
});

test("on the way back it says up to where it has heard", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 }, broadcast: {} } });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 43 });
  page.socket.end(1006);
  page.clock.advance(500);
  page.socket.accept();
  assert.deepEqual(page.socket.sent[0].recover, { "user:7": ["k3", 43] });
});

test("the first publication of another epoch is told, and gone on with, without a gap", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  for (const at of [{ epoch: "k4", offset: 1 }, { offset: 2 }]) {
    page.socket.deliver({ channel: "user:7", data: 1, ...at });
  }
  assert.deepEqual(heard.publications.map(({ offset }) => offset), [1, 2]);
  assert.deepEqual(heard.frames, []);
});

test("a hole between two publications is told as a gap, before the second", () => {
  page.welcome({ channels: { "user:7": { epoch: "k3", offset: 42 } } });
  page.socket.deliver({ channel: "user:7", data: 1, offset: 45 });
  assert.deepEqual(heard.frames, [{ type: "gap", channel: "user:7" }]);
  assert.deepEqual(heard.publications.map(({ offset }) => offset), [45]);
});

test("any other frame is passed on, and ends nothing", () => {
  page.welcome();
  for (const type of ["gap", "error", "presence", "join", "from the future"]) {
    page.socket.deliver({ type });
  }
  const types = heard.frames.map(({ type }) => type);
  assert.deepEqual(types, ["gap", "error", "presence", "join", "from the future"]);
  assert.equal(connection.state, "connected");
});

test("a login that changed is told", () => {
  page.welcome();
  page.socket.deliver({ type: "refreshed", user: "8", expires: null });
  assert.deepEqual(heard.refreshed.map(({ user }) => user), ["8"]);
});

for (const text of ["", "no JSON", "null", "[]", '{"type":"news to me"}', '{"type":"constructor"}']) {
  test(`what it does not know it ignores: ${text}`, () => {
    page.welcome();
    page.socket.deliver(text);
    assert.equal(connection.state, "connected");
  });
}

// The end.

for (const state of ["seeking", "opening", "greeting", "connected", "waiting", "offline"]) {
  test(`closed by the page while ${state}, it stays closed`, () => {
    start(state === "seeking" ? { token: undefined } : {});
    if (state === "greeting") page.socket.accept();
    if (state === "connected") page.welcome();
    if (state === "waiting") page.socket.end(1006);
    if (state === "offline") page.network.goOffline();
    assert.equal(connection.state, state);
    connection.happen("close", { code: 1000, reason: "closed by the page" });
    page.clock.advance(1e9);
    connection.happen("online");
    assert.deepEqual(lastState(), ["closed", { code: 1000, reason: "closed by the page" }]);
    assert.ok(page.sockets.every(({ isClosed }) => isClosed || state === "waiting"));
  });
}

test("after the end, connect begins anew: back-off, refusals and all", () => {
  page.endpoint.willIssue("T2");
  page.socket.end(4400);
  page.clock.advance(500);
  page.socket.end(4400);
  page.endpoint.willIssue("T3");
  connection.happen("connect");
  page.socket.end(4400);
  assert.deepEqual(lastState()[1].ms, 500);
});

test("a handler may close the connection while it is being told", () => {
  connection.listener.state = (state) => {
    if (state === "waiting") connection.happen("close", { code: 1000, reason: "" });
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
  assert.ok(page.logged.length > 4);
  assert.doesNotMatch(page.logged.join("\n"), /T1|T2|payload/);
});
