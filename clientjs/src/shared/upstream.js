/**
 * The shared connection of one session.
 *
 * Strategy: for the gateway it is one client, and for each tab it is the gateway. It subscribes to the union of
 * the tabs' channels. A tab that joins receives the welcome that the connection has received, with the positions
 * of now. When the connection ends, each tab receives its close code and decides as always; the first tab that comes
 * back opens the next connection.
 */
import { needsFreshToken } from "../wire/closecodes.js";
import { Channels } from "./channels.js";
import { lowestOf } from "./channel.js";
import { Identity } from "./identity.js";
import { Link } from "./link.js";
import { Pending } from "./pending.js";
import { Replays } from "./replay.js";
import { GOING_AWAY, sendToAll } from "./tab.js";

/**
 * @typedef {import("./tab.js").Tab} Tab
 * @typedef {import("./hub.js").Hub} Hub
 * @typedef {import("../wire/socket.js").Close} Close
 */

const DRAIN = '{"type":"drain","within":0}';
const RESTARTING = { code: 3001, reason: "server is restarting" };

/** Tabs of a lost worker that arrive within this time share one recovery. */
export const GATHER_MS = 150;

/** A ping of a tab is answered here when the gateway has sent something so recently. */
const RECENT_MS = 5000;

/** @type {Object<string, function(Upstream, any, string): void>} Frames that are not responses. */
const NOTICES = {
  refresh: (upstream, _, text) => upstream.notify(text),
  error: (upstream, _, text) => upstream.notify(text),
  interrupted: (upstream, _, text) => upstream.interrupt(text),
  resumed: (upstream, _, text) => upstream.interrupt("", text),
  refreshed: (upstream, frame) => upstream.identity.change(frame),
  drain: (upstream, frame) => upstream.drain(frame.within || 0),
  pong: (upstream) => upstream.pong()
};

export class Upstream {
  /**
   * @param {Hub} hub
   * @param {string} url  of the gateway
   * @param {string} session
   */
  constructor(hub, url, session) {
    this.hub = hub;
    this.url = url;
    this.identity = new Identity(this, session);
    /** @type {Set<Tab>} */
    this.tabs = new Set();
    this.channels = new Channels(this);
    this.transport = "";
    this.isOver = false;
    /** @type {Link | null} */
    this._link = null;
    this._isStarting = false;
    /** The `connect` frame was sent. */
    this._isGreeting = false;
    /** The tab whose token was sent. @type {Tab | null} */
    this._owner = null;
    /** @type {Object<string, import("../wire/frames.js").Recover>} */
    this._asked = {};
    this._pending = new Pending(hub.clock);
    this.replays = new Replays(this);
    this._interrupted = "";
    /** @type {Set<Tab>} */
    this._pinging = new Set();
    this._cancelDrain = () => {};
  }

  /** @param {Tab} tab */
  add(tab) {
    this.tabs.add(tab);
    if (this.identity.welcome) {
      this._admit(tab);
    } else if (!this._isStarting) {
      this._isStarting = true;
      this.hub.clock.after(tab.isProven ? GATHER_MS : 0, () => this._start());
    }
  }

  /** @param {Tab} tab */
  remove(tab) {
    this.tabs.delete(tab);
    this._pinging.delete(tab);
    if (!this.tabs.size) {
      this._end();
    } else {
      this.channels.leave(tab);
    }
  }

  /** @returns {Tab[]} */
  welcomed() {
    return Array.from(this.tabs).filter((tab) => tab.isWelcome);
  }

  /** @param {string} text  a frame for every tab */
  notify(text) {
    sendToAll(this.welcomed(), text);
  }

  /** @param {any} frame  of a tab that has no welcome yet */
  receiveEarly({ type }) {
    type === "subscribe" && this._isGreeting && !this.identity.welcome && this.channels.requestEarly();
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   */
  receive(tab, frame) {
    if (frame.type === "ping") {
      this._ping(tab);
    } else if (frame.type === "refresh") {
      this.identity.refresh(tab, frame);
    } else {
      this.channels.receive(tab, frame);
    }
  }

  /**
   * Send a request to the gateway.
   *
   * @param {any} frame
   * @param {function(any): void} callback  receives the response, with the id of the request as `reply_to`
   * @param {Tab | null} tab  null: the request is of no tab alone
   */
  request(frame, callback, tab) {
    if (this._link) {
      this._link.send(this._pending.add(frame, callback, tab));
    }
  }

  /**
   * @param {string} interrupted  for tabs that join now
   * @param {string} [text]
   */
  interrupt(interrupted, text) {
    this._interrupted = interrupted;
    this.notify(text || interrupted);
  }

  /** @param {number} withinS */
  drain(withinS) {
    this._cancelDrain();
    this._cancelDrain = this.hub.clock.after(this.hub.random() * withinS * 1000, () => this._retire());
  }

  pong() {
    sendToAll(this._pinging, '{"type":"pong"}');
    this._pinging.clear();
  }

  // The tabs come back at once, and the first of them opens another connection.
  _retire() {
    const tabs = Array.from(this.tabs);
    this._end();
    tabs.forEach((tab) => (tab.isWelcome ? tab.send(DRAIN) : tab.close(RESTARTING)));
  }

  _start() {
    const [owner] = this.tabs;
    if (!owner || this.isOver) {
      return;
    }
    this._owner = owner;
    this._asked = lowestOf(Array.from(this.tabs, ({ recover }) => recover));
    const opener = this.hub.makeOpener(owner.settings);
    const { url, isProven, token } = owner;
    const parts = { opener, clock: this.hub.clock, url, isProven, token, recover: this._asked };
    this._link = new Link(parts, {
      connecting: () => this._greet(),
      accepted: (frame, transport) => this._accept(frame, transport),
      moved: (transport) => this._move(transport),
      received: (frame, text) => this._receive(frame, text),
      lost: (close) => this._lose(close)
    });
  }

  _greet() {
    // What was sent on an earlier way, which has let nothing through, is sent again.
    this.channels.reset();
    this._pending.clear();
    this._isGreeting = true;
    this.channels.requestEarly();
  }

  /**
   * @param {any} frame
   * @param {string} transport
   */
  _accept(frame, transport) {
    this.identity.welcome = frame;
    this.transport = transport;
    this.channels.begin(frame.channels, this._asked);
    Array.from(this.tabs).forEach((tab) => this._admit(tab));
  }

  /** @param {string} transport  on which the connection goes on */
  _move(transport) {
    this.transport = transport;
    this.welcomed().forEach((tab) => tab.setTransport(transport));
  }

  /**
   * Send the welcome to a tab, once it is known what it has missed.
   *
   * @param {Tab} tab
   */
  _admit(tab) {
    this.channels.answerAll(tab, ({ infos, texts }) => {
      if (tab.isOver || this.isOver) {
        return;
      }
      tab.setTransport(this.transport);
      tab.sendFrame({ ...this.identity.welcome, channels: infos });
      texts.forEach((text) => tab.send(text));
      if (this._interrupted) {
        tab.send(this._interrupted);
      }
      tab.isWelcome = true;
      tab.early.splice(0).forEach((frame) => this.receive(tab, frame));
    });
  }

  /**
   * @param {any} frame
   * @param {string} text
   */
  _receive(frame, text) {
    const isResponse = this._pending.settle(frame);
    if (!isResponse && Object.prototype.hasOwnProperty.call(NOTICES, frame.type)) {
      NOTICES[frame.type](this, frame, text);
    } else if (!isResponse) {
      this.channels.notice(frame, text);
    }
  }

  // A refused token is the matter of the tab that has sent it, and so is a flood.
  /** @param {Close} close */
  _lose(close) {
    const owner = this._owner;
    const culprit = this._pending.culprit(close.code);
    this._link = null;
    if (!this.identity.welcome && owner && needsFreshToken(close.code) && this.tabs.size > 1) {
      this._isGreeting = false;
      owner.close(close);
      this._start();
    } else if (culprit && !culprit.isOver) {
      culprit.close(close);
      this._end(GOING_AWAY);
    } else {
      this._end(close);
    }
  }

  /** @param {Close} [close]  for the tabs */
  _end(close) {
    this.isOver = true;
    this._cancelDrain();
    this.hub.rename(this, this.identity.session);
    if (this._link) {
      this._link.close();
      this._link = null;
    }
    if (close) {
      Array.from(this.tabs).forEach((tab) => tab.close(close));
    }
  }

  /** @param {Tab} tab */
  _ping(tab) {
    if (this._link && this._link.hasReceivedWithin(RECENT_MS)) {
      tab.sendFrame({ type: "pong" });
    } else if (this._link) {
      this._pinging.add(tab);
      this._link.ping();
    }
  }
}
