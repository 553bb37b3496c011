/** A live page with a client and a site of its own, in jsdom. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { begin } from "../../src/live/index.js";
import { start } from "../../src/live/module.js";

globalThis.CSS ??= { escape: (text) => text };

const html = (channels, content = "old", id = "a") =>
  `<div id="${id}" data-sockgate-rate="100" data-sockgate-live='${JSON.stringify(channels)}'>${content}</div>`;

class Client {
  state = "connected";
  handlers = {};
  rooms = [];

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
    return this;
  }

  emit(event, ...given) {
    (this.handlers[event] ?? []).forEach((handler) => handler(...given));
  }

  subscribe(channel, { grant }) {
    const room = { channel, grant, isLeft: false, on: (_, handler) => (room.end = (code) => handler(channel, { code })), unsubscribe: () => (room.isLeft = true) };
    this.rooms.push(room);
    return room;
  }

  touch(channel, audience = 1, more = {}) {
    this.emit("touch", { audience }, { channel, ...more });
  }

  /** Channel and grant of each subscription that goes on. */
  get now() {
    return this.rooms.filter((room) => !room.isLeft).map(({ channel, grant }) => [channel, grant]);
  }
}

class Page {
  fetches = 0;
  status = 200;
  timers = [];

  constructor(body, fresh = body) {
    this.window = new JSDOM(body, { url: "https://shop.example/orders/", pretendToBeVisual: true }).window;
    globalThis.Element = this.window.Element;
    globalThis.Node = this.window.Node;
    globalThis.Document = this.window.Document;
    globalThis.document = this.window.document;
    this.fresh = fresh;
    this.window.fetch = async () => {
      this.fetches += 1;
      const headers = new Headers({ "Content-Type": "text/html" });
      return { status: this.status, ok: this.status === 200, type: "basic", headers, text: async () => this.fresh };
    };
    this.window.setTimeout = (callback, ms) => this.timers.push({ callback, ms });
    this.window.clearTimeout = (id) => id && (this.timers[id - 1] = { callback() {}, ms: 0 });
    this.rt = new Client();
  }

  start() {
    start(this.rt, this.window);
    return this;
  }

  /** Let all timers of now pass, and what follows them. */
  async pass() {
    const waits = this.timers.map(({ ms }) => ms);
    const due = this.timers.map(({ callback }) => callback);
    this.timers.forEach((timer) => (timer.callback = () => {}));
    due.forEach((callback) => callback());
    for (let turn = 0; turn < 9; turn++) await new Promise((resolve) => setImmediate(resolve));
    return waits;
  }

  get text() {
    return this.window.document.body.textContent.trim();
  }
}

const ORDERS = { orders: { grant: "G1", expires_in: 3600 } };

test("the page subscribes with its own grants, and checks what it shows once it is subscribed", async () => {
  const page = new Page(html(ORDERS), html(ORDERS, "new")).start();
  assert.deepEqual(page.rt.now, [["orders", "G1"]]);
  await page.pass();
  assert.equal(page.fetches, 0);
  page.rt.emit("subscribed", "orders");
  await page.pass();
  assert.deepEqual([page.fetches, page.text], [1, "new"]);
});

test("a touch of another channel, and one that names a browser, fetch nothing", async () => {
  const page = new Page(html(ORDERS)).start();
  page.rt.touch("stock");
  page.rt.touch("orders", 1, { from: "7" });
  await page.pass();
  assert.equal(page.fetches, 0);
});

test("the window grows with the audience, up to two minutes", async () => {
  const longest = async (audience) => {
    const random = Math.random;
    Math.random = () => 0.999999;
    const page = new Page(html(ORDERS)).start();
    Math.random = random;
    page.rt.touch("orders", audience);
    return Math.round(Math.max(...(await page.pass())));
  };
  assert.deepEqual([await longest(1), await longest(1000), await longest(1e9)], [10, 10000, 120000]);
});

test("a gap, and a new subscription after a loss, fetch within three seconds at least", async () => {
  for (const event of ["gap", "subscribed"]) {
    const page = new Page(html(ORDERS)).start();
    page.rt.emit("subscribed", "orders");
    await page.pass();
    page.rt.emit(event, "orders");
    await page.pass();
    assert.equal(page.fetches, 2);
  }
});

test("channels follow the fragments of the fresh page", async () => {
  const page = new Page(html(ORDERS) + html({ one: { grant: "O" } }, "1", "b")).start();
  page.fresh = html({ orders: { grant: "G2" }, two: { grant: "T" } });
  page.rt.touch("orders");
  await page.pass();
  assert.deepEqual(page.rt.now, [["orders", "G1"], ["two", "T"]]);
  assert.equal(page.window.document.getElementById("b").textContent, "");
});

test("a revoked or refused channel is subscribed again with the grant of the fresh page, if there is one", async () => {
  for (const code of ["revoked", "rights_changed", "not_allowed"]) {
    const page = new Page(html(ORDERS)).start();
    page.fresh = html({ orders: { grant: "G2" } });
    page.rt.rooms[0].end(code);
    await page.pass();
    await page.pass();
    assert.deepEqual([page.fetches, page.rt.now], [1, [["orders", "G2"]]], code);
    page.fresh = "<p></p>";
    page.rt.rooms[1].end(code);
    await page.pass();
    await page.pass();
    assert.deepEqual([page.rt.now, page.text], [[], ""], code);
  }
});

test("a grant that is refused again and again is requested less and less often", async () => {
  const page = new Page(html(ORDERS)).start();
  const waits = [];
  for (let number = 1; number < 12; number++) {
    page.fresh = html({ orders: { grant: `N${number}` } });
    page.rt.rooms.at(-1).end("not_allowed");
    waits.push(Math.max(...(await page.pass())));
    await page.pass();
  }
  assert.ok(page.fetches <= 11);
  assert.ok(waits.at(-1) >= 100000 && waits.at(-1) <= 300000, `${waits}`);
});

test("too many channels are no reason to fetch", async () => {
  const page = new Page(html(ORDERS)).start();
  page.rt.rooms[0].end("too_many_channels");
  page.rt.rooms[0].end("unsubscribed");
  await page.pass();
  assert.equal(page.fetches, 0);
});

test("a page that was made without grants takes them from the fresh page, once it is connected", async () => {
  const page = new Page(html({ orders: {} }));
  page.rt.state = "connecting";
  page.start();
  assert.deepEqual(page.rt.now, []);
  page.fresh = html(ORDERS);
  page.rt.emit("state", "connected", {});
  await page.pass();
  await page.pass();
  assert.deepEqual([page.fetches, page.rt.now], [1, [["orders", "G1"]]]);
});

test("automatic channels need no grant", () => {
  const page = new Page(html({ "user:7": {}, broadcast: {}, "group:a": {} })).start();
  assert.deepEqual(page.rt.now.map(([channel]) => channel), ["user:7", "broadcast", "group:a"]);
});

test("the end of the login fetches once, another user does, and the page's own close does not", async () => {
  for (const [event, ...given] of [["state", "closed", { code: 4500 }], ["user", "8", "7"]]) {
    const page = new Page(html(ORDERS)).start();
    page.rt.emit(event, ...given);
    page.rt.emit("state", "closed", { code: 1000 });
    await page.pass();
    assert.equal(page.fetches, 1, event);
  }
  const page = new Page(html(ORDERS)).start();
  page.rt.emit("state", "closed", { code: 1000 });
  await page.pass();
  assert.equal(page.fetches, 0);
});

test("a page that the viewer may not see any more is emptied, and comes again", async () => {
  const page = new Page(html(ORDERS), html(ORDERS, "new")).start();
  page.status = 403;
  page.rt.touch("orders");
  await page.pass();
  assert.equal(page.text, "");
  page.status = 200;
  page.rt.touch("orders");
  await page.pass();
  assert.equal(page.text, "new");
});

test("a page back from the back/forward cache fetches at once", async () => {
  const page = new Page(html(ORDERS), html(ORDERS, "new")).start();
  page.window.dispatchEvent(Object.assign(new page.window.Event("pageshow"), { persisted: false }));
  assert.equal(page.timers.length, 0);
  page.window.dispatchEvent(Object.assign(new page.window.Event("pageshow"), { persisted: true }));
  await page.pass();
  assert.equal(page.text, "new");
});

test("an answer for a URL that the page has left is not shown", async () => {
  const page = new Page(html(ORDERS), html(ORDERS, "new")).start();
  const { fetch } = page.window;
  page.window.fetch = (...given) => {
    page.window.history.pushState(null, "", "/other/");
    return fetch(...given);
  };
  page.rt.touch("orders");
  await page.pass();
  assert.equal(page.text, "old");
});

test("the script uses the page's own client, makes one without, and none without a login", () => {
  const made = (config, client) => {
    const page = new Page(`<script id="sockgate-config" type="application/json">${JSON.stringify(config)}</script>${html(ORDERS)}`);
    const connect = () => page.rt;
    connect.client = client;
    page.window.Sockgate = { connect };
    begin(page.window);
    begin(page.window);
    return page;
  };
  assert.equal(made({}).rt.rooms.length, 1);
  assert.equal(made({ loginRequired: true }).rt.rooms.length, 0);
  const own = new Client();
  made({}, own);
  assert.equal(own.rooms.length, 1);
});

test("without the client's tag, the console says what is missing", () => {
  const page = new Page(html(ORDERS));
  const said = [];
  page.window.console.error = (text) => said.push(text);
  begin(page.window);
  assert.match(said.join(), /sockgate_client/);
});
