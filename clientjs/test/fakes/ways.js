/** A window with WebSockets and a SockJS that tests control, and the opener of a client on it. */
import { Memory } from "../../src/transports/memory.js";
import { Opener } from "../../src/transports/opener.js";
import { FakeClock } from "./clock.js";
import { FakeSockJS } from "./sockjs.js";

export class FakeStorage {
  items = {};
  getItem = (key) => this.items[key] ?? null;
  removeItem = (key) => {
    delete this.items[key];
  };
  setItem = (key, value) => {
    this.items[key] = value;
  };
}

class FakeWebSocket {
  isClosed = false;
  sent = [];
  constructor(url) {
    this.url = url;
  }
  send = (text) => this.sent.push(text);
  close = () => {
    this.isClosed = true;
  };
}

/** A page whose ways to connect are recorded: "raw", or the first transport given to SockJS. */
export class FakeWays {
  clock = new FakeClock();
  started = [];
  sockets = {};
  scripts = [];
  canLoad = true;
  unixMs = 1700000000000;
  page = { document: { location: { protocol: "https:", host: "shop.example" } }, localStorage: new FakeStorage() };

  constructor(settings = {}, { hasWebSocket = true } = {}) {
    const record = this.#record;
    if (hasWebSocket) {
      this.page.WebSocket = class extends FakeWebSocket {
        constructor(url) {
          super(url);
          record("raw", this);
        }
      };
    }
    this.settings = { transport: "auto", fallbackAfterMs: 1500, ...settings };
    this.load();
  }

  /** Load another page of the same tab. */
  load() {
    const { settings, page, clock } = this;
    const memory = new Memory(page, () => this.unixMs);
    this.opener = new Opener({ settings, page, clock, memory, loadSockJS: this.loadSockJS });
  }

  #record = (name, socket) => {
    this.started.push(name);
    this.sockets[name] = socket;
  };

  loadSockJS = (url, page, callback) => {
    this.scripts.push(url);
    callback(this.canLoad ? this.#openSockJS : null);
  };

  #openSockJS = (url, transports) => {
    const socket = new FakeSockJS(url);
    socket.transports = transports;
    this.#record(transports[0], socket);
    return socket;
  };

  /** Open a connection, and record what its owner receives. */
  open(isProven = false) {
    this.started = [];
    this.events = [];
    this.socket = this.opener.open("/realtime", isProven);
    for (const name of ["onopen", "onmessage", "onheartbeat", "onclose"]) {
      this.socket[name] = (event) => this.events.push([name, event?.code ?? event?.data]);
    }
    return this.socket;
  }

  get closed() {
    return this.started.filter((name) => this.sockets[name].isClosed);
  }
}
