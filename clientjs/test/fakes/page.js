import { Backoff } from "../../src/backoff.js";
import { Positions } from "../../src/positions.js";
import { TokenSource } from "../../src/token.js";
import { FakeClock } from "./clock.js";
import { FakeEndpoint } from "./endpoint.js";
import { FakeNetwork } from "./network.js";
import { FakeSockJS } from "./sockjs.js";

/** A page with everything around the connection faked; randomness is always one half. */
export class FakePage {
  clock = new FakeClock();
  endpoint = new FakeEndpoint();
  network = new FakeNetwork();
  sockets = [];
  logged = [];

  constructor(settings = {}) {
    const random = () => 0.5;
    const all = { url: "/realtime", tokenUrl: "/token/", token: "T1", expiresIn: 3600, ...settings };
    this.parts = {
      open: this.#open,
      tokens: new TokenSource(all, this.clock, this.endpoint.ask),
      positions: new Positions(),
      backoff: new Backoff({ minMs: 1000, maxMs: 30000 }, random),
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
