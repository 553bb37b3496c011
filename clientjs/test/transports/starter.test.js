import assert from "node:assert/strict";
import { test } from "node:test";

import { openerWith } from "../../src/transports/complete.js";
import { Starter } from "../../src/transports/starter.js";
import { FakeWays } from "../fakes/ways.js";

/** A page with the small script, which can load the scripts of SockJS and of the shared connection. */
class SmallScript extends FakeWays {
  /** Scripts that are under way. */
  loading = [];

  load() {
    const head = { appendChild: (script) => this.loading.push(script) };
    this.page.document.createElement = () => ({});
    this.page.document.getElementsByTagName = (tag) => (tag === "head" ? [head] : []);
    this.opener = new Starter(this.settings, this.page, this.clock);
  }

  /** Let the script arrive; with no name, it is not there. */
  arrive(name) {
    const script = this.loading.shift();
    if (name) this.page[name] = { opener: openerWith(this.loadSockJS), open: () => null };
    (name ? script.onload : script.onerror)();
    return script.src;
  }
}

const SCRIPT = "/static/sockgate-sockjs.js";
const page = (settings, options) => new SmallScript({ sockjsUrl: SCRIPT, ...settings }, options);

/** A page that is connected by the raw WebSocket. */
function connected(settings) {
  const ways = page(settings);
  ways.open();
  ways.sockets.raw.onopen({});
  ways.opener.accepted();
  return ways;
}

test("the raw WebSocket connects without another script", () => {
  const ways = connected();
  ways.clock.advance(1e6);
  ways.socket.send("mine");
  ways.sockets.raw.onmessage({ data: "frame" });
  ways.sockets.raw.onclose({ code: 4500, reason: "session ended" });
  assert.deepEqual(ways.sockets.raw.sent, ["mine"]);
  assert.equal(ways.socket.transport, "websocket");
  assert.deepEqual(ways.events, [["onopen", undefined], ["onmessage", "frame"], ["onclose", 4500]]);
  assert.deepEqual(ways.loading, []);
});

test("where it fails, the script is loaded, and goes on with the next way", () => {
  const ways = page();
  ways.open();
  ways.sockets.raw.onclose({ code: 1006 });
  assert.deepEqual(ways.events, []);
  assert.equal(ways.arrive("SockgateSockJS"), SCRIPT);
  assert.deepEqual(ways.started, ["raw", "websocket"]);
  ways.sockets.websocket.accept("websocket");
  ways.socket.send('{"type":"ping"}');
  assert.deepEqual(ways.events, [["onopen", undefined]]);
  assert.deepEqual(ways.sockets.websocket.sent, [{ type: "ping" }]);
});

test("where it is silent, it goes on beside the next way, and may still win", () => {
  for (const moment of ["before the script", "after the script"]) {
    const ways = page();
    ways.open();
    ways.clock.advance(1499);
    assert.deepEqual(ways.loading, []);
    ways.clock.advance(1);
    if (moment === "before the script") ways.sockets.raw.onopen({});
    ways.arrive("SockgateSockJS");
    ways.clock.advance(1);
    if (moment === "after the script") {
      assert.deepEqual(ways.started, ["raw", "xhr-streaming"]);
      ways.sockets.raw.onopen({});
      assert.deepEqual(ways.closed, ["xhr-streaming"]);
    }
    ways.sockets.raw.onmessage({ data: "frame" });
    ways.socket.send("mine");
    assert.deepEqual(ways.events, [["onopen", undefined], ["onmessage", "frame"]], moment);
    assert.deepEqual(ways.sockets.raw.sent, ["mine"]);
  }
});

test("a silent one that fails while the script is loaded is left out", () => {
  const ways = page();
  ways.open();
  ways.clock.advance(1500);
  ways.sockets.raw.onclose({ code: 1006 });
  ways.arrive("SockgateSockJS");
  assert.deepEqual(ways.started, ["raw", "websocket"]);
});

test("after the script, every attempt and its answers are those of the script", () => {
  const ways = page();
  ways.open();
  ways.sockets.raw.onclose({ code: 1006 });
  ways.arrive("SockgateSockJS");
  ways.clock.advance(3000);
  ways.sockets["xhr-polling"].accept("xhr-polling");
  assert.equal(ways.opener.greetingMs(), 15000);
  ways.opener.accepted();
  assert.match(ways.page.localStorage.items["sockgate-way"], /^polling /);
  ways.open();
  assert.deepEqual(ways.started, ["xhr-polling"]);
});

test("a page that remembers another way loads the script at once", () => {
  const ways = page();
  ways.page.localStorage.items["sockgate-way"] = `polling ${Date.now()} /realtime`;
  ways.open();
  ways.arrive("SockgateSockJS");
  assert.deepEqual(ways.started, ["xhr-polling"]);
});

test("a WebSocket that lets nothing through is left for another way", () => {
  const ways = page();
  ways.open();
  ways.sockets.raw.onopen({});
  assert.equal(ways.opener.greetingMs(), 2000);
  assert.equal(ways.opener.unanswered(), true);
  ways.socket.close();
  ways.open();
  ways.arrive("SockgateSockJS");
  assert.deepEqual(ways.started, ["xhr-streaming"]);
});

test("on a page that was connected, a failure is not the script's matter, but silence is", () => {
  const ways = connected();
  ways.open(true);
  assert.equal(ways.opener.greetingMs(), 15000);
  assert.equal(ways.opener.unanswered(), false);
  ways.sockets.raw.onclose({ code: 1006 });
  assert.deepEqual([ways.events, ways.loading], [[["onclose", 1002]], []]);
  ways.open(true);
  ways.clock.advance(4000);
  assert.equal(ways.loading.length, 1);
});

test("a script that cannot be loaded ends the attempt, unless the WebSocket may still open", () => {
  const ways = page();
  ways.open();
  ways.sockets.raw.onclose({ code: 1006 });
  ways.arrive();
  ways.clock.advance(0);
  assert.deepEqual(ways.events, [["onclose", 2000]]);
  ways.open();
  ways.clock.advance(1500);
  ways.arrive();
  ways.clock.advance(1000);
  assert.deepEqual(ways.events, []);
  ways.sockets.raw.onopen({});
  assert.deepEqual(ways.events, [["onopen", undefined]]);
});

test("an attempt that is closed starts nothing more", () => {
  for (const end of ["silent", "loading"]) {
    const ways = page();
    ways.open();
    if (end === "loading") ways.clock.advance(1500);
    ways.socket.close();
    ways.clock.advance(1e6);
    if (end === "loading") ways.arrive("SockgateSockJS");
    assert.deepEqual([ways.started, ways.closed, ways.events], [["raw"], ["raw"], []], end);
    assert.deepEqual(ways.loading, []);
  }
});

test('with transport "websocket", nothing is loaded', () => {
  const ways = page({ transport: "websocket" });
  ways.open();
  ways.clock.advance(19000);
  ways.sockets.raw.onclose({ code: 1006 });
  assert.deepEqual([ways.events, ways.loading], [[["onclose", 1002]], []]);
  assert.equal(ways.opener.unanswered(), false);
});

for (const [settings, url] of [
  [{ transport: "sockjs" }, SCRIPT],
  [{ transports: ["xhr-polling"] }, SCRIPT],
  [{ transports: ["jsonp-polling"] }, "/realtime/sockjs.js"],
  [{ transport: "sockjs", sockjsUrl: undefined }, "/realtime/sockjs.js"],
]) {
  test(`with ${JSON.stringify(settings)}, ${url} is loaded, and not the raw WebSocket`, () => {
    const ways = page(settings);
    ways.open();
    assert.equal(ways.arrive("SockgateSockJS"), url);
    assert.equal(ways.started.length, 1);
    assert.notEqual(ways.started[0], "raw");
  });
}

test("a WebSocket that cannot be made is a failure", () => {
  const ways = page();
  ways.page.WebSocket = class {
    constructor() {
      throw new Error("not here");
    }
  };
  ways.open();
  ways.clock.advance(0);
  ways.arrive("SockgateSockJS");
  assert.deepEqual(ways.started, ["websocket"]);
});

test("for a shared connection its own script is loaded, which has all ways, too", () => {
  const ways = page({ shared: true, sharedUrl: "/static/sockgate-shared.js" });
  ways.open();
  assert.equal(ways.arrive("SockgateShared"), "/static/sockgate-shared.js");
  assert.deepEqual([ways.started, ways.loading], [["raw"], []]);
});

test("without that script, the tab has its own connection", () => {
  const ways = page({ shared: true, sharedUrl: "/static/sockgate-shared.js" });
  ways.open();
  ways.arrive();
  ways.arrive("SockgateSockJS");
  // The complete script tries once more.
  ways.arrive();
  assert.deepEqual(ways.started, ["raw"]);
});

test('with transport "websocket", no other script is loaded where it is not allowed or was not remembered', () => {
  const none = page({ transport: "websocket", transports: ["xhr-polling"] });
  none.open();
  none.clock.advance(0);
  assert.deepEqual([none.events, none.loading], [[["onclose", 2000]], []]);
  const remembering = page({ transport: "websocket" });
  remembering.page.localStorage.items["sockgate-way"] = `polling ${Date.now()} /realtime`;
  remembering.open();
  assert.deepEqual([remembering.started, remembering.loading], [["raw"], []]);
  const sharing = page({ transport: "websocket", shared: true, sharedUrl: "/static/sockgate-shared.js" });
  sharing.open();
  sharing.arrive();
  assert.deepEqual([sharing.started, sharing.loading], [["raw"], []]);
});
