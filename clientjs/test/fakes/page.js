import { Backoff } from "../../src/backoff.js";
import { GrantSource } from "../../src/grants.js";
import { Positions } from "../../src/positions.js";
import { Requests } from "../../src/requests.js";
import { Subscriptions } from "../../src/subscriptions.js";
import { TokenSource } from "../../src/token.js";
import { FakeClock } from "./clock.js";
import { FakeEndpoint } from "./endpoint.js";
import { FakeNetwork } from "./network.js";
import { FakeSockJS } from "./sockjs.js";

const DEFAULTS = {
  url: "/realtime", tokenUrl: "/token/", grantUrl: "/grant/", token: "T1", expiresIn: 3600,
};

/** A page with everything around the connection faked; randomness is always one half. */
export class FakePage {
  clock = new FakeClock();
  endpoint = new FakeEndpoint();
  network = new FakeNetwork();
  sockets = [];
  logged = [];

  constructor(settings = {}) {
    const random = () => 0.5;
    const all = { ...DEFAULTS, ...settings };
    const makeBackoff = () => new Backoff({ minMs: 1000, maxMs: 30000 }, random);
    const positions = new Positions();
    this.grants = new GrantSource(all, this.clock, this.endpoint.ask);
    this.parts = {
      open: this.#open,
      tokens: new TokenSource(all, this.clock, this.endpoint.ask),
      positions,
      subscriptions: new Subscriptions({
        grants: this.grants, positions, requests: new Requests(), clock: this.clock, makeBackoff,
      }),
      backoff: makeBackoff(),
      network: this.network,
      clock: this.clock,
      random,
      log: (text) => this.logged.push(text),
    };
  }

  #open = (url) => {
    const socket = new FakeSockJS(url);
    this.sockets.push(socket);
    return socket;
  };

  /** The socket in use. */
  get socket() {
    return this.sockets.at(-1);
  }

  /** Play the gateway that lets the connection in. */
  welcome(more = {}) {
    this.socket.accept();
    const channels = { "user:7": {}, broadcast: {} };
    this.socket.deliver({
      type: "connected", connection: "c1", user: "7", channels, expires: null, ...more,
    });
  }
}
