/** A live page with a client and a site of its own, in jsdom. */
import { JSDOM } from "jsdom";

import { start } from "../../../../src/page/live/module.js";

globalThis.CSS ??= { escape: (text) => text };

/** A fragment as `{% live %}` writes it. */
export function fragment(channels, content = "old", id = "a", more = {}) {
  const fields = [...content.matchAll(/<input type="hidden" name="(.*?)"(?: id=".*?")? value="(.*?)"/g)];
  const hidden = fields.map(([, name, value]) => `${name}=${value}`);
  const data = { id, channels, rate: 100, url: "/orders/", hidden, ...more };
  return `<div id="${id}">${content}<script type="application/json" data-sockgate="live">${JSON.stringify(data)}</script></div>`;
}

export class Client {
  state = "connected";
  handlers = {};
  rooms = [];
  most = Infinity;

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
    return this;
  }

  emit(event, ...given) {
    (this.handlers[event] ?? []).forEach((handler) => handler(...given));
  }

  subscribe(channel, { grant } = {}) {
    const room = {
      channel,
      grant,
      isLeft: false,
      handlers: {},
      on: (event, handler) => Object.assign(room, { handlers: { ...room.handlers, [event]: handler } }),
      unsubscribe: () => (room.isLeft = true),
    };
    this.rooms.push(room);
    return room;
  }

  /** The gateway has answered a request for a channel. */
  subscribed(channel, info = { audience: 1 }) {
    for (const room of this.open(channel)) room.handlers.subscribed?.(channel, info);
    this.emit("subscribed", channel, info);
  }

  end(channel, code, more = {}) {
    for (const room of this.open(channel)) room.handlers.unsubscribed?.(channel, { code, ...more });
    this.emit("unsubscribed", channel, { code, ...more });
  }

  touch(channel, more = {}) {
    this.emit("touch", null, { channel, audience: 1, ...more });
  }

  open(channel) {
    return this.rooms.filter((room) => room.channel === channel && !room.isLeft);
  }

  /** Channel and grant of each subscription that goes on. */
  get now() {
    return this.rooms.filter((room) => !room.isLeft).map(({ channel, grant }) => [channel, grant]);
  }
}

export class Page {
  /** Paths that were fetched. */
  fetches = [];
  status = 200;
  type = "basic";
  headers = {};
  timers = [];
  said = [];
  rt = new Client();

  constructor(body, fresh = body, url = "https://shop.example/orders/") {
    this.window = new JSDOM(body, { url, pretendToBeVisual: true }).window;
    for (const name of ["Element", "Node", "Document", "document"]) globalThis[name] = this.window[name];
    this.fresh = fresh;
    this.window.fetch = async (address) => {
      this.fetches.push(new URL(address, this.window.location.href).pathname);
      const fresh = this.fresh[address] ?? this.fresh;
      const headers = new Headers({ "Content-Type": "text/html", ...this.headers });
      return { status: this.status, ok: this.status === 200, type: this.type, headers, text: async () => fresh };
    };
    this.window.performance.now = () => 1000; // A busy machine must not take a millisecond from a wait.
    this.window.setTimeout = (callback, ms) => this.timers.push({ callback, ms });
    this.window.clearTimeout = (id) => id && (this.timers[id - 1] = { callback() {}, ms: 0 });
    this.window.console.warn = (text) => this.said.push(text);
  }

  start() {
    this.live = start(this.rt, this.window);
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

  async refreshed(channel = "orders") {
    this.rt.touch(channel);
    await this.pass();
  }

  /** Django pushes with `publish_html`. */
  push(target, swap, html) {
    this.rt.emit("sockgate:html", { target, swap, html }, { channel: "orders" });
  }

  $(selector) {
    return this.window.document.querySelector(selector);
  }

  /** The text without data blocks. */
  get text() {
    const { body } = this.window.document;
    const copy = body.cloneNode(true);
    copy.querySelectorAll("script").forEach((script) => script.remove());
    return copy.textContent.trim();
  }
}

export const ORDERS = { orders: { grant: "G1", expires_in: 3600, touched: "1" } };
