/** A hub with a fake gateway, and tabs that speak its messages. */
import { Hub } from "../../src/shared/hub.js";
import { FakeClock } from "./clock.js";
import { FakeSockJS } from "./sockjs.js";

/** As Django's: payload, time, signature. */
export const tokenOf = (session, time = "t") => `${session}.${time}.signature`;

export class FakeGateway {
  clock = new FakeClock();
  sockets = [];
  locks = new FakeLocks();
  /** Where the first way lets nothing through, another one is tried. */
  hasOtherWay = false;
  hub = new Hub({
    page: { navigator: { locks: this.locks } },
    clock: this.clock,
    loadSockJS: null,
    random: () => 0.5,
    makeOpener: () => ({
      open: (url) => {
        const socket = new FakeSockJS(url);
        this.sockets.push(socket);
        return socket;
      },
      greetingMs: () => 15000,
      accepted: () => {},
      unanswered: () => this.hasOtherWay,
    }),
  });

  get socket() {
    return this.sockets.at(-1);
  }

  get live() {
    return this.sockets.filter((socket) => !socket.isClosed);
  }

  /** Accept the newest connection. */
  welcome(channels = { "user:7": {}, broadcast: {} }, more = {}) {
    this.clock.advance(200);
    this.socket.accept();
    this.socket.deliver({ type: "connected", connection: "c1", user: "7", channels, ...more });
  }

  /** Answer the last request of this type. */
  answer(type, more, socket = this.socket) {
    const { id, channel } = this.requests(type, socket).at(-1);
    socket.deliver({ type: "subscribed", channel, ...more, reply_to: id });
  }

  requests(type, socket = this.socket) {
    return socket.sent.filter((frame) => frame.type === type);
  }

  publish(channel, offset, socket = this.socket, more = {}) {
    socket.deliver({ channel, data: offset, offset, ...more });
  }

  /** Open a tab and send its `connect` frame. */
  tab(session = "alice", { recover = {}, isProven = false, lock, connect = {} } = {}) {
    const tab = new FakeTab(this.hub);
    tab.post({ type: "open", url: "/realtime", isProven, settings: {} });
    if (lock) tab.post({ type: "held", lock });
    tab.send({ type: "connect", token: tokenOf(session), recover, ...connect });
    return tab;
  }
}

export class FakeTab {
  messages = [];
  isClosed = false;

  constructor(hub) {
    this.tab = hub.accept({
      post: (message) => this.messages.push(message),
      close: () => (this.isClosed = true),
    });
  }

  post(message) {
    this.tab.receive(message);
  }

  send(frame) {
    this.post({ type: "send", text: JSON.stringify(frame) });
  }

  subscribe(channel, id, more = {}) {
    this.send({ type: "subscribe", channel, id, ...more });
  }

  /** The frames since the last call. */
  take() {
    const frames = this.messages.filter(({ type }) => type === "frame").map(({ text }) => JSON.parse(text));
    this.ends = this.messages.filter(({ type }) => type === "closed").map(({ code }) => code);
    this.messages = [];
    return frames;
  }

  /** Offsets of the publications since the last call. */
  offsets() {
    return this.take().filter(({ type }) => !type).map(({ offset }) => offset);
  }
}

/** Locks of a browser: the test says which page is gone. */
export class FakeLocks {
  #queues = new Map();

  request(name, options, callback) {
    const run = callback ?? options;
    const { signal, steal } = callback ? options : {};
    return new Promise((resolve, reject) => {
      const entry = { run, resolve, reject };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      signal?.addEventListener("abort", () => {
        this.#remove(queue, entry);
        reject(new Error("aborted"));
      });
      if (steal && queue.length) {
        const holder = queue.shift();
        holder.reject(new Error("stolen"));
      }
      steal ? queue.unshift(entry) : queue.push(entry);
      if (queue[0] === entry) this.#grant(queue, entry);
    });
  }

  #grant(queue, entry) {
    Promise.resolve(entry.run({})).then(() => {
      this.#remove(queue, entry);
      entry.resolve();
    });
  }

  #remove(queue, entry) {
    const wasFirst = queue[0] === entry;
    const index = queue.indexOf(entry);
    if (index >= 0) queue.splice(index, 1);
    if (wasFirst && index === 0 && queue.length) this.#grant(queue, queue[0]);
  }
}

/** Let promises settle. */
export const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await null;
};

/** Two tabs on one connection, both in room:7 at offset 42. */
export function two() {
  const gateway = new FakeGateway();
  const [one, other] = [gateway.tab(), gateway.tab()];
  gateway.welcome();
  one.subscribe("room:7", 1);
  gateway.answer("subscribe", { epoch: "k3", offset: 42 });
  other.subscribe("room:7", 9);
  one.take();
  other.take();
  return { gateway, one, other };
}
