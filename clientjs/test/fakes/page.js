import { Backoff } from "../../src/core/backoff.js";
import { Events } from "../../src/base/events.js";
import { GrantSource } from "../../src/credentials/grants.js";
import { Positions } from "../../src/wire/positions.js";
import { Refusals } from "../../src/wire/refusals.js";
import { Requests } from "../../src/wire/requests.js";
import { Subscription } from "../../src/channels/subscription.js";
import { Subscriptions } from "../../src/channels/subscriptions.js";
import { TokenSource } from "../../src/credentials/token.js";
import { FakeClock } from "./clock.js";
import { FakeEndpoint } from "./endpoint.js";
import { FakeNetwork } from "./network.js";
import { FakeSockJS } from "./sockjs.js";

const DEFAULTS = {
  url: "/realtime", tokenUrl: "/token/", grantUrl: "/grant/", token: "T1", expiresIn: 3600,
};

/** A page with fakes of everything around the connection. Every random number is one half. */
export class FakePage {
  endpoint = new FakeEndpoint();
  network = new FakeNetwork();
  sockets = [];
  logged = [];
  warned = [];

  constructor(settings = {}, kinds = { Subscription }, clock = new FakeClock()) {
    this.clock = clock;
    const random = () => 0.5;
    const all = { ...DEFAULTS, ...settings };
    const makeBackoff = () => new Backoff({ minMs: 1000, maxMs: 30000 }, random);
    const events = new Events();
    const warn = (text) => this.warned.push(text);
    this.grants = new GrantSource(all, this.clock, this.endpoint.post);
    this.parts = {
      opener: { open: this.#open, greetingMs: () => 15000, ...this.ways },
      tokens: new TokenSource(all, this.clock, this.endpoint.post),
      grantSource: this.grants,
      positions: new Positions(),
      requests: new Requests(this.clock),
      events,
      refusals: new Refusals(events, warn),
      ...kinds,
      makeBackoff,
      backoff: makeBackoff(),
      network: this.network,
      clock: this.clock,
      random,
      log: (text) => this.logged.push(text),
      warn,
    };
    this.parts.subscriptions = new Subscriptions(this.parts);
  }

  /** Whether another way to connect is left, and the number of those that were accepted. */
  ways = {
    isLeft: false,
    count: 0,
    accepted: () => (this.ways.count += 1),
    unanswered: () => this.ways.isLeft,
  };

  #open = (url, isProven) => {
    const socket = new FakeSockJS(url);
    socket.isProven = isProven;
    this.sockets.push(socket);
    return socket;
  };

  /** The socket in use. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** Send the gateway's connected frame. */
  welcome(more = {}) {
    this.socket.accept();
    const channels = { "user:7": {}, broadcast: {} };
    this.socket.deliver({
      type: "connected", connection: "c1", user: "7", channels, expires: null, ...more,
    });
  }
}
