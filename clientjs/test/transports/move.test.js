/** The move of a connection over HTTP to a WebSocket. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { TRANSITIONS } from "../../src/transports/move.js";
import { readFileSync } from "node:fs";
import { FakeWays } from "../fakes/ways.js";

const SECRET = "0123456789abcdefghij";
const KEY = "sockgate-way";

/** A page that is connected by streams. */
class Page extends FakeWays {
  constructor(settings) {
    super({ upgradeAfterMs: 1000, ...settings });
    this.open();
    this.clock.advance(1500);
    this.http = this.sockets["xhr-streaming"];
    Object.assign(this.http, { secret: SECRET, address: "https://shop.example/realtime/123/abc" });
    this.http.accept("xhr-streaming");
    this.opener.accepted();
    this.started = [];
  }

  get web() {
    return this.sockets.raw;
  }

  try() {
    this.clock.advance(1000);
    assert.deepEqual(this.started, ["raw"]);
    assert.equal(this.web.url, "wss://shop.example/realtime/123/abc/websocket");
    return this;
  }

  packet = (kind, value) => this.web.onmessage?.({ data: kind + (value ? JSON.stringify(value) : "") });
  frames = (...frames) => this.packet("a", frames.map((frame) => JSON.stringify(frame)));

  ask() {
    this.try().packet("o");
    assert.deepEqual(this.http.sent.at(-1), { type: "ping", id: "move", secret: SECRET });
    return this;
  }

  answer = () => (this.http.deliver({ type: "pong", reply_to: "move" }), this);
  moved = () => (this.frames({ type: "moved" }), this);
  end = () => (this.http.end(3000, "moved"), this);
  get sentToWeb() {
    return this.web.sent.map((text) => JSON.parse(JSON.parse(text)[0]));
  }
  take() {
    return this.events.splice(0).map(([name, value]) => [name.slice(2), value && JSON.parse(value)]);
  }
}

const send = (page, n) => page.socket.send(JSON.stringify({ n }));

test("the connection goes on over the WebSocket, and every frame arrives once and in order", () => {
  const page = new Page();
  page.take();
  page.ask();
  send(page, 1);
  page.http.deliver({ n: 2 });
  page.answer();
  assert.deepEqual(page.sentToWeb, [{ type: "move", session: "abc", secret: SECRET }]);
  page.moved();
  page.frames({ n: 5 }, { n: 6 });
  send(page, 3);
  page.http.deliver({ n: 4 });
  assert.deepEqual(page.take(), [["message", { n: 2 }], ["message", { n: 4 }]]);
  page.end();
  assert.equal(page.socket.transport, "websocket");
  assert.equal(page.socket.secret, null);
  page.frames({ n: 7 });
  page.packet("h");
  send(page, 8);
  assert.deepEqual(page.take(), [
    ["open", undefined],
    ...[5, 6, 7].map((n) => ["message", { n }]),
    ["heartbeat", undefined],
  ]);
  assert.deepEqual(page.sentToWeb.slice(1), [{ n: 1 }, { n: 3 }, { n: 8 }]);
  assert.deepEqual(page.http.sent.filter(({ n }) => n), []);
  assert.equal(page.page.localStorage.items[KEY], undefined);
});

test("the end over HTTP may come first", () => {
  const page = new Page().ask().answer().end();
  page.take();
  page.moved();
  page.frames({ n: 1 });
  assert.deepEqual(page.take(), [["open", undefined], ["message", { n: 1 }]]);
});

const FAILURES = {
  "the WebSocket fails": (page) => page.try().web.onclose({ code: 1006 }),
  "the WebSocket stays mute": (page) => page.try().clock.advance(15000),
  "no answer over HTTP": (page) => page.ask().clock.advance(4000),
  "the WebSocket is lost meanwhile": (page) => page.ask().web.onclose({ code: 1006 }),
  "the gateway does not answer": (page) => page.ask().answer().clock.advance(4000),
  "the gateway refuses": (page) => page.ask().answer().web.onclose({ code: 3000 }),
};

for (const [name, fail] of Object.entries(FAILURES)) {
  test(`where ${name}, the connection stays, and another attempt follows`, () => {
    const page = new Page();
    page.take();
    let sent = 0;
    const { state } = page.opener._race.move;
    assert.equal(state, "resting");
    fail(page);
    send(page, (sent += 1));
    page.http.deliver({ n: 2 });
    assert.deepEqual(page.take(), [["message", { n: 2 }]]);
    assert.deepEqual(page.http.sent.at(-1), { n: sent });
    page.started = [];
    page.clock.advance(2000);
    page.packet("o");
    page.answer().moved().end();
    assert.equal(page.socket.transport, "websocket");
  });
}

test("frames that waited for a move that fails are sent over HTTP, in order", () => {
  const page = new Page().ask();
  send(page, 1);
  page.answer();
  send(page, 2);
  page.web.onclose({ code: 1006 });
  send(page, 3);
  assert.deepEqual(page.http.sent.slice(-3), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test("the wait doubles after each failure, up to ten minutes", (t) => {
  t.mock.method(Math, "random", () => 0.999999);
  const page = new Page();
  const waits = [];
  for (let i = 0; i < 14; i++) {
    const before = page.clock.now();
    page.clock.advance(page.clock.due(1e9) - before);
    waits.push(Math.round((page.clock.now() - before) / 1000));
    page.web.onclose({ code: 1006 });
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]);
});

test("other workers are tried at once, a few times", () => {
  const page = new Page().ask();
  for (let i = 0; i < 16; i++) {
    page.answer().web.onclose({ code: 3000 });
    page.started = [];
    page.clock.advance(500);
    assert.deepEqual(page.started, ["raw"]);
    page.packet("o");
  }
  page.answer().web.onclose({ code: 3000 });
  page.started = [];
  page.clock.advance(900);
  assert.deepEqual(page.started, []);
});

const LOSSES = {
  "the session over HTTP is lost": [(page) => page.try().http.end(1006), 1006],
  "the gateway closes the session": [(page) => page.ask().http.end(4500), 4500],
  "the session ends, and moved never comes": [(page) => page.ask().answer().end().clock.advance(4000), 1006],
  "the WebSocket is lost before the end over HTTP": [(page) => page.ask().answer().moved().web.onclose({ code: 1001 }), 1006],
  "the end over HTTP never comes": [(page) => page.ask().answer().moved().clock.advance(20000), 1006],
  "the rest over HTTP is lost": [(page) => page.ask().answer().moved().http.end(1002), 1002],
  "the WebSocket is lost later": [(page) => page.ask().answer().moved().end().web.onclose({ code: 4502 }), 4502],
};

for (const [name, [lose, code]] of Object.entries(LOSSES)) {
  test(`where ${name}, the client learns the loss, once`, () => {
    const page = new Page();
    lose(page);
    page.clock.advance(1e6);
    assert.deepEqual(page.events.filter(([event]) => event === "onclose"), [["onclose", code]]);
    assert.equal(page.clock.pending, 0);
  });
}

test("a connection that the page closes moves nowhere", () => {
  for (const at of [(page) => page, (page) => page.try(), (page) => page.ask().answer()]) {
    const page = at(new Page());
    page.socket.close();
    page.clock.advance(1e6);
    assert.ok(page.http.isClosed && (!page.web || page.web.isClosed || !page.started.length));
    assert.equal(page.clock.pending, 0);
  }
});

test("nothing is tried where the page wants no WebSocket, or the session has no secret", () => {
  for (const settings of [{ transports: ["xhr-streaming"] }, { transport: "sockjs" }]) {
    const page = new FakeWays({ upgradeAfterMs: 1, ...settings });
    page.open();
    page.clock.advance(1500);
    page.sockets["xhr-streaming"].secret = SECRET;
    page.sockets["xhr-streaming"].accept("xhr-streaming");
    page.opener.accepted();
    assert.equal(page.clock.pending, 0);
  }
  const plain = new FakeWays({ upgradeAfterMs: 1 });
  plain.open();
  plain.clock.advance(1500);
  plain.sockets["xhr-streaming"].accept("xhr-streaming");
  plain.opener.accepted();
  assert.equal(plain.clock.pending, 0);
});

test("docs/states.md has the events of each state", () => {
  const text = readFileSync(new URL("../../../docs/states.md", import.meta.url), "utf8");
  const rows = Object.entries(TRANSITIONS).map(([state, on]) => `| \`${state}\` | ${Object.keys(on).join(", ") || "none"} |`);
  assert.ok(text.includes(`<!-- move states -->\n| state | events |\n|---|---|\n${rows.join("\n")}\n<!-- /move states -->`));
});
