/** Many live pages of the product on a clock that moves by itself, with a gateway and a site that count. */
import { livePageOf } from "../../../../src/page/live/page.js";

/** As in a browser: the script takes what elements have from here. */
const Element = { prototype: new Proxy({}, { get: (_, name, element) => element[name] }) };
Object.assign(globalThis, { Element, document: {}, Document: class {} });

/** A clock with a heap of timers. */
class Clock {
  now = 0;
  #heap = [];
  #ids = 0;
  #live = new Map();

  set = (callback, ms) => {
    const timer = { at: this.now + Math.max(ms, 0), id: ++this.#ids, callback };
    this.#live.set(timer.id, timer);
    let child = this.#heap.push(timer) - 1;
    for (let parent; child && before(this.#heap[child], this.#heap[(parent = (child - 1) >> 1)]); child = parent) this.#swap(child, parent);
    return timer.id;
  };

  clear = (id) => this.#live.delete(id);

  /** The next timer until then. */
  next(end) {
    for (; this.#heap.length && this.#heap[0].at <= end; ) {
      const [timer] = this.#heap;
      const last = this.#heap.pop();
      if (this.#heap.length) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (this.#live.delete(timer.id)) {
        this.now = timer.at;
        return timer;
      }
    }
    this.now = end;
    return null;
  }

  #sink() {
    for (let parent = 0, child; (child = 2 * parent + 1) < this.#heap.length; parent = child) {
      if (child + 1 < this.#heap.length && before(this.#heap[child + 1], this.#heap[child])) child += 1;
      if (!before(this.#heap[child], this.#heap[parent])) return;
      this.#swap(child, parent);
    }
  }

  #swap(one, other) {
    [this.#heap[one], this.#heap[other]] = [this.#heap[other], this.#heap[one]];
  }
}

const before = (one, other) => one.at < other.at || (one.at === other.at && one.id < other.id);

/** As `channels/audience.py` states it, for pages that are told one by one. */
class Level {
  level = 0;
  raisedAt = 0;

  constructor(crowd) {
    this.crowd = crowd;
  }

  arrival(most = Infinity) {
    const { now } = this.crowd.clock;
    this.level = Math.max(this.level - ((now - this.raisedAt) / 1000) * this.crowd.rate, 0) + 1;
    this.raisedAt = now;
    return this.fields(Math.min(this.level < 2 ? 1 : Math.ceil(this.level) * 20, most));
  }

  fields(audience) {
    const within = audience <= 1 ? 0 : Math.min(Math.max(audience / this.crowd.rate, Math.min(3, audience / 10)), 120);
    return { audience, within };
  }
}

/** One page: a window of which only what the script uses exists. */
class Tab {
  handlers = {};
  rooms = [];
  state = "connecting";
  isHidden = false;

  constructor(crowd, more) {
    this.crowd = crowd;
    const listeners = (this.listeners = {});
    const element = (this.element = elementOf());
    const data = { id: "a", channels: { orders: { grant: "G", touched: crowd.mark } }, rate: crowd.rate, url: "/orders/", ...more };
    this.block = { text: JSON.stringify(data), parentElement: element };
    const listen = (name, handler) => (listeners[name] ??= []).push(handler);
    const tab = this;
    this.page = {
      Math: { random: crowd.random },
      performance: { now: () => crowd.clock.now },
      setTimeout: crowd.clock.set,
      clearTimeout: crowd.clock.clear,
      location: { origin: "", href: "/orders/" },
      console: { warn() {} },
      CustomEvent: class {},
      addEventListener: listen,
      Reflect,
      // As in a browser: the script takes methods and properties of every document from here.
      Document: {
        prototype: {
          querySelectorAll(selector) {
            return this.find(selector);
          },
          get hidden() { return tab.isHidden; },
          documentElement: elementOf(),
        },
      },
      document: {
        addEventListener: listen,
        find: (selector) => (selector.includes("live") ? [this.block] : []),
      },
      PerformanceObserver: class {
        constructor(callback) {
          tab.measured = (ms) => callback({ getEntries: () => [{ name: "/orders/", requestStart: 1, responseStart: 1 + ms }] });
        }
        observe() {}
      },
      DOMParser: class {
        parseFromString = (text) => ({
          body: { append() {} },
          querySelector: () => ({}),
          find: (selector) => (selector.includes("live") ? [{ text: /{.*}/.exec(text)[0], parentElement: elementOf() }] : []),
        });
      },
      fetch: () => crowd.answer(this, data),
    };
    livePageOf(this, this.page);
  }

  on(event, handler) {
    (this.handlers[event] ??= []).push(handler);
    return this;
  }

  emit(event, ...given) {
    (this.handlers[event] ?? []).forEach((handler) => handler(...given));
  }

  subscribe(channel) {
    const room = { channel, handlers: {}, on: (event, handler) => Object.assign(room, { handlers: { ...room.handlers, [event]: handler } }), unsubscribe: () => (this.rooms = this.rooms.filter((one) => one !== room)) };
    this.rooms.push(room);
    return room;
  }

  setState(state, detail = {}) {
    this.state = state;
    this.emit("state", state, detail);
  }

  /** The gateway says something of the channel. */
  tell(event, info) {
    this.in("orders", event, info);
    this.emit(event, "orders", info);
  }

  in(channel, event, info) {
    this.rooms.filter((room) => room.channel === channel).forEach(({ handlers }) => handlers[event]?.(channel, info));
  }

  touch(message) {
    this.emit("touch", message.data ?? null, { channel: "orders", ...message });
  }

  arrive() {
    const crowd = this.crowd.level.arrival();
    if (this.isOther) this.emit("user", "2", "1");
    this.setState("connected");
    this.in("broadcast", "subscribed", crowd);
    this.tell("subscribed", { ...crowd, touched: this.crowd.mark, ...this.crowd.told?.() });
  }
}

function elementOf() {
  return {
    nodeName: "DIV", isConnected: true, attributes: [], childNodes: [], children: [], ownerDocument: { find: () => [] },
    querySelectorAll: () => [], contains: () => false, replaceChildren() {}, dispatchEvent: () => true, matches: () => false, closest: () => null, getAttribute: () => null,
  };
}

export class Crowd {
  clock = new Clock();
  /** Requests in each second. */
  seconds = [];
  mark = 1;
  tookMs = 30;
  status = 200;
  retryAfter = null;
  pending = 0;

  constructor(count, { rate = 100, seed = 1, ...more } = {}) {
    this.rate = rate;
    this.level = new Level(this);
    let state = seed;
    this.random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    this.tabs = Array.from({ length: count }, () => new Tab(this, more));
  }

  /** All pages load and connect, over so many seconds. */
  async load(seconds) {
    this.tabs.forEach((tab, index) => this.clock.set(() => tab.arrive(), (index / this.tabs.length) * seconds * 1000));
    await this.pass(seconds + 1);
  }

  /** A request of a page, which the site answers with the page of now. */
  answer(tab, data) {
    const second = Math.floor(this.clock.now / 1000);
    this.seconds[second] = (this.seconds[second] ?? 0) + 1;
    const now = { ...data, channels: { orders: { grant: `G${this.clock.now}`, touched: this.mark } } };
    const headers = new Headers({ "Content-Type": "text/html", ...(this.retryAfter && { "Retry-After": this.retryAfter }) });
    const { status } = this;
    this.pending += 1;
    return new Promise((resolve) =>
      this.clock.set(() => {
        this.pending -= 1;
        tab.measured(this.tookMs);
        resolve({ status, ok: status === 200, type: "basic", headers, text: async () => `<!doctype html>${JSON.stringify(now)}` });
      }, this.tookMs),
    );
  }

  /** Let time pass. */
  async pass(seconds) {
    const end = this.clock.now + seconds * 1000;
    for (let timer; (timer = this.clock.next(end)); ) {
      const { pending } = this;
      timer.callback();
      // The site has answered, or was asked: let the page go on.
      if (pending !== this.pending) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Touch the channel, as the gateway tells all pages. */
  touch(more = {}) {
    this.mark += 1;
    this.tabs.forEach((tab) => tab.touch({ audience: this.tabs.length, touched: this.mark, ...more }));
  }

  /** What was requested from now on: all of it, and in the worst second. */
  counted() {
    const from = Math.ceil(this.clock.now / 1000);
    return () => {
      const counts = this.seconds.slice(from).filter(Boolean);
      return { all: counts.reduce((sum, count) => sum + count, 0), worst: Math.max(0, ...counts) };
    };
  }
}
