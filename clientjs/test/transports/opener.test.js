import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeWays } from "../fakes/ways.js";

const NOW = 1700000000000;
const LADDER = ["raw", "websocket", "xhr-streaming", "xhr-polling"];

/** A page that has connected, by the way with this name. */
function connectedBy(name, ...given) {
  const ways = new FakeWays(...given);
  ways.open();
  while (ways.started.at(-1) !== name) ways.clock.advance(1500);
  open(ways, name);
  ways.opener.accepted();
  return ways;
}

function open(ways, name) {
  if (name === "raw") ways.sockets.raw.onopen({});
  else ways.sockets[name].accept(name);
}

/** Let the way that started last fail. */
function fail(ways, code = 1006) {
  const name = ways.started.at(-1);
  if (name === "raw") ways.sockets.raw.onclose({ code, reason: "" });
  else ways.sockets[name].end(code);
}

test("the raw WebSocket is the first way, and no script is loaded for it", () => {
  const ways = new FakeWays();
  ways.open();
  assert.equal(ways.sockets.raw.url, "wss://shop.example/realtime/websocket");
  open(ways, "raw");
  ways.clock.advance(1e6);
  assert.deepEqual([ways.started, ways.scripts, ways.events], [["raw"], [], [["onopen", undefined]]]);
  assert.equal(ways.socket.transport, "websocket");
});

test("frames, the end and its code are those of the winner", () => {
  const ways = new FakeWays();
  ways.open();
  open(ways, "raw");
  ways.socket.send("mine");
  ways.sockets.raw.onmessage({ data: "frame" });
  ways.sockets.raw.onclose({ code: 4500, reason: "session ended" });
  assert.deepEqual(ways.sockets.raw.sent, ["mine"]);
  assert.deepEqual(ways.events.slice(1), [["onmessage", "frame"], ["onclose", 4500]]);
});

test("each way that fails starts the next one at once", () => {
  const ways = new FakeWays();
  ways.open();
  for (const name of LADDER) {
    assert.equal(ways.started.at(-1), name);
    fail(ways);
  }
  ways.clock.advance(0);
  assert.deepEqual(ways.events, [["onclose", 1006]]);
  assert.deepEqual(ways.started, LADDER);
});

test("a way that is silent goes on beside the next one, and may still win", () => {
  const ways = new FakeWays();
  ways.open();
  ways.clock.advance(1499);
  assert.deepEqual(ways.started, ["raw"]);
  ways.clock.advance(1);
  assert.deepEqual([ways.started, ways.closed], [["raw", "xhr-streaming"], []]);
  open(ways, "raw");
  assert.deepEqual(ways.closed, ["xhr-streaming"]);
  ways.clock.advance(1e6);
  assert.deepEqual(ways.started, ["raw", "xhr-streaming"]);
});

test("behind a proxy that swallows upgrades and holds streams back, polling starts after 3 s", () => {
  const ways = new FakeWays();
  ways.open();
  ways.clock.advance(3000);
  assert.deepEqual(ways.started, ["raw", "xhr-streaming", "xhr-polling"]);
  open(ways, "xhr-polling");
  assert.deepEqual(ways.closed, ["raw", "xhr-streaming"]);
  assert.equal(ways.socket.transport, "xhr-polling");
});

test("fallbackAfterMs sets the wait", () => {
  const ways = new FakeWays({ fallbackAfterMs: 200 });
  ways.open();
  ways.clock.advance(400);
  assert.deepEqual(ways.started, ["raw", "xhr-streaming", "xhr-polling"]);
});

test("the way that has worked is the first on the next page, for a day", () => {
  const ways = connectedBy("xhr-polling");
  const day = 24 * 3600 * 1000;
  for (const [laterMs, first] of [[day - 1, "xhr-polling"], [1, "raw"]]) {
    ways.unixMs += laterMs;
    ways.load();
    ways.open();
    assert.equal(ways.started[0], first);
    open(ways, first);
    ways.opener.accepted();
  }
});

test("a remembered way that does not open any more is followed by all others", () => {
  const ways = connectedBy("xhr-polling");
  ways.load();
  ways.open();
  fail(ways);
  assert.deepEqual(ways.started, ["xhr-polling", "raw"]);
});

test("what is remembered of another gateway, or is no way, is ignored", () => {
  for (const text of ["polling 1 /realtime", `polling ${NOW} /other`, `evil ${NOW} /realtime`, `polling ${NOW + 1} /realtime`, "x"]) {
    const ways = new FakeWays();
    ways.page.localStorage.items["sockgate-way"] = text;
    ways.load();
    ways.open();
    assert.equal(ways.started[0], "raw", text);
  }
});

test("a browser that denies storage connects", () => {
  const ways = new FakeWays();
  Object.defineProperty(ways.page, "localStorage", { get: () => { throw new Error("denied"); } });
  ways.load();
  ways.open();
  open(ways, "raw");
  ways.opener.accepted();
  assert.equal(ways.events.length, 1);
});

test("a page that was connected keeps to its way while the gateway is away", () => {
  const ways = connectedBy("raw");
  ways.open(true);
  fail(ways);
  ways.clock.advance(1e6);
  assert.deepEqual([ways.started, ways.events], [["raw"], [["onclose", 1002]]]);
});

test("a page that was connected and has changed its network falls back after 4 s", () => {
  const ways = connectedBy("raw");
  ways.open(true);
  ways.clock.advance(3999);
  assert.deepEqual(ways.started, ["raw"]);
  ways.clock.advance(4001);
  assert.deepEqual(ways.started, ["raw", "xhr-streaming", "xhr-polling"]);
});

test("a gateway that cannot be reached over HTTP ends the race", () => {
  const ways = new FakeWays();
  ways.open();
  fail(ways);
  fail(ways, 1002);
  ways.clock.advance(1e6);
  assert.deepEqual([ways.started, ways.events], [["raw", "websocket"], [["onclose", 1002]]]);
});

test("a code of the gateway ends the race", () => {
  const ways = new FakeWays();
  ways.open();
  ways.clock.advance(1500);
  fail(ways, 3002);
  ways.clock.advance(0);
  assert.deepEqual([ways.closed, ways.events], [["raw"], [["onclose", 3002]]]);
});

test("a script that cannot be loaded is named in the reason", () => {
  const ways = new FakeWays({ sockjsUrl: "/static/sockjs.js" });
  ways.canLoad = false;
  ways.open();
  ways.socket.onclose = (event) => ways.events.push(event);
  fail(ways);
  ways.clock.advance(0);
  assert.deepEqual(ways.events, [{ code: 2000, reason: "Cannot load /static/sockjs.js" }]);
});

test("a gateway whose script cannot be loaded cannot be reached, and is asked once", () => {
  const ways = new FakeWays();
  ways.canLoad = false;
  ways.open();
  fail(ways);
  ways.clock.advance(1e6);
  assert.deepEqual([ways.events, ways.scripts.length], [[["onclose", 1002]], 1]);
});

test("the script is the gateway's by default", () => {
  const ways = new FakeWays();
  ways.open();
  fail(ways);
  assert.deepEqual(ways.scripts, ["/realtime/sockjs.js"]);
});

for (const [why, settings, page] of [
  ["a browser without WebSocket", {}, { hasWebSocket: false }],
  ["an old transport", { transports: ["websocket", "jsonp-polling"] }, {}],
]) {
  test(`the script is the gateway's for ${why}`, () => {
    const ways = new FakeWays({ sockjsUrl: "/static/sockjs.js", ...settings }, page);
    ways.open();
    if (ways.started.length) fail(ways);
    assert.deepEqual([...new Set(ways.scripts)], ["/realtime/sockjs.js"]);
  });
}

test("closing the race closes every way and calls nothing", () => {
  const ways = new FakeWays();
  ways.open();
  ways.clock.advance(1500);
  ways.socket.close();
  ways.clock.advance(1e6);
  assert.deepEqual([ways.closed, ways.events], [["raw", "xhr-streaming"], []]);
});

for (const [settings, hasWebSocket, ladder] of [
  [{ transport: "websocket" }, true, ["raw"]],
  [{ transport: "sockjs" }, true, ["websocket", "xhr-streaming", "xhr-polling"]],
  [{ transports: ["websocket"] }, true, ["raw", "websocket"]],
  [{ transports: "xhr-polling" }, true, ["xhr-polling"]],
  [{ transports: ["jsonp-polling", "iframe-eventsource"] }, true, ["iframe-eventsource", "jsonp-polling"]],
  [{}, false, ["xhr-streaming", "xhr-polling"]],
  [{ transports: ["carrier-pigeon"] }, true, []],
]) {
  test(`${JSON.stringify(settings)} ${hasWebSocket} allows ${ladder}`, () => {
    const ways = new FakeWays(settings, { hasWebSocket });
    ways.open();
    while (ways.started.length && ways.events.length === 0) {
      fail(ways);
      ways.clock.advance(0);
    }
    ways.clock.advance(0);
    assert.deepEqual(ways.started, ladder);
    assert.equal(ways.events[0][0], "onclose");
  });
}

test("a way that opens and lets nothing through is left out, until another one has worked", () => {
  const ways = new FakeWays();
  ways.open();
  open(ways, "raw");
  assert.equal(ways.opener.greetingMs(), 2000);
  assert.equal(ways.opener.unanswered(), true);
  ways.open();
  assert.deepEqual(ways.started, ["xhr-streaming"]);
  open(ways, "xhr-streaming");
  assert.equal(ways.opener.greetingMs(), 1500);
  assert.equal(ways.opener.unanswered(), true);
  ways.open();
  assert.deepEqual(ways.started, ["xhr-polling"]);
  open(ways, "xhr-polling");
  assert.equal(ways.opener.greetingMs(), 15000);
  assert.equal(ways.opener.unanswered(), false);
});

test("a gateway that is slow to answer has more time on a way that has worked", () => {
  const ways = connectedBy("raw");
  ways.open(true);
  open(ways, "raw");
  assert.equal(ways.opener.greetingMs(), 15000);
  assert.equal(ways.opener.unanswered(), false);
});

test("SockJS's WebSocket is not remembered, so that the raw one is tried again", () => {
  const ways = new FakeWays();
  ways.open();
  fail(ways);
  open(ways, "websocket");
  ways.opener.accepted();
  ways.load();
  ways.open();
  assert.deepEqual(ways.started, ["raw"]);
});
