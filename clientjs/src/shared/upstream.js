/**
 * The shared connection of one session.
 *
 * Strategy: for the gateway it is one client, and for each tab it is the gateway. It subscribes to the union of
 * the tabs' channels. A tab that joins receives the welcome that the connection has received, with the positions
 * of now. When the connection ends, each tab receives its close code and decides as always; the first tab that comes
 * back opens the next connection.
 */
import { needsFreshToken } from "../closecodes.js";
import { Channels } from "./channels.js";
import { lowest } from "./channel.js";
import { sessionOf } from "./hub.js";
import { Link } from "./link.js";
import { Replay } from "./replay.js";
import { sendToAll } from "./tab.js";

/**
 * @typedef {import("./tab.js").Tab} Tab
 * @typedef {import("./hub.js").Hub} Hub
 * @typedef {import("../socket.js").Close} Close
 */

/** Tabs of a lost leader return together. Those that arrive within this time share one recovery. */
export const GATHER_MS = 150;

/** A ping of a tab is answered here when the gateway has sent something so recently. */
const RECENT_MS = 5000;

const OTHER_SESSION = { code: 4402, reason: "this connection belongs to another session" };

/** @type {Object<string, function(Upstream, any, string): void>} Frames that are no response. */
const NOTICES = {
  refresh: (upstream, _, text) => sendToAll(upstream.welcomed(), text),
  error: (upstream, _, text) => sendToAll(upstream.welcomed(), text),
  interrupted: (upstream, _, text) => upstream.interrupt(text),
  resumed: (upstream, _, text) => upstream.interrupt("", text),
  refreshed: (upstream, frame) => upstream.refreshed(frame),
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
    this.session = session;
    /** @type {Set<Tab>} */
    this.tabs = new Set();
    this.channels = new Channels(this);
    /** The `connected` frame, with the user and rights of now. @type {any} */
    this.welcome = null;
    this.transport = "";
    this.isOver = false;
    /** @type {Link | null} */
    this._link = null;
    this._isStarting = false;
    /** The `connect` frame was sent. */
    this._isGreeting = false;
    /** The tab whose token was sent. @type {Tab | null} */
    this._owner = null;
    /** @type {Object<string, import("../frames.js").Position>} */
    this._asked = {};
    this._lastId = 0;
    /** @type {Map<number, function(any): void>} */
    this._pending = new Map();
    this._interrupted = "";
    this._refreshedTo = "";
    /** @type {Set<Tab>} */
    this._pinging = new Set();
    this._cancelDrain = () => {};
  }

  /** @param {Tab} tab */
  add(tab) {
    this.tabs.add(tab);
    if (this.welcome) {
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

  /** @param {any} frame  of a tab that has no welcome yet */
  receiveEarly(frame) {
    if (frame.type === "subscribe" && this._isGreeting && !this.welcome) {
      this.channels.requestEarly();
    }
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   */
  receive(tab, frame) {
    if (frame.type === "ping") {
      this._ping(tab);
    } else if (frame.type === "refresh") {
      this._refresh(tab, frame);
    } else {
      this.channels.receive(tab, frame);
    }
  }

  /**
   * Send a request to the gateway.
   *
   * @param {any} frame
   * @param {function(any): void} callback  receives the response, with the id of the request as `reply_to`
   */
  request(frame, callback) {
    const id = (this._lastId += 1);
    this._pending.set(id, (response) => {
      const answer = { ...response };
      delete answer.reply_to;
      if (frame.id !== undefined) {
        answer.reply_to = frame.id;
      }
      callback(answer);
    });
    this.send({ ...frame, id });
  }

  /** @param {any} frame */
  send(frame) {
    if (this._link) {
      this._link.send(JSON.stringify(frame));
    }
  }

  /**
   * Replay what a tab has missed, over a connection of its own.
   *
   * @param {Tab} tab
   * @param {import("./replay.js").Wanted} wanted
   * @param {function(Replay): void} callback  once what was missed has arrived, or will not
   */
  replay(tab, wanted, callback) {
    const { url } = this;
    const opener = this.hub.makeOpener(tab.settings);
    const parts = { opener, clock: this.hub.clock, url, isProven: true, token: tab.token };
    return new Replay(parts, wanted, this.channels, callback);
  }

  // Notices of the gateway.

  /**
   * @param {string} interrupted  for tabs that join now
   * @param {string} [text]
   */
  interrupt(interrupted, text) {
    this._interrupted = interrupted;
    sendToAll(this.welcomed(), text || interrupted);
  }

  /** @param {any} frame */
  refreshed(frame) {
    const { user, expires, rights } = frame;
    Object.assign(this.welcome, { user, expires, rights });
    const { id, reply_to, ...notice } = frame;
    sendToAll(this.welcomed(), JSON.stringify(notice));
  }

  /** @param {number} withinS */
  drain(withinS) {
    this._cancelDrain();
    this._cancelDrain = this.hub.clock.after(this.hub.random() * withinS * 1000, () => this._retire());
  }

  pong() {
    const tabs = Array.from(this._pinging);
    this._pinging.clear();
    sendToAll(tabs, '{"type":"pong"}');
  }

  // The tabs come back at once, and the first of them opens another connection.
  _retire() {
    const tabs = Array.from(this.tabs);
    this._end();
    sendToAll(tabs, '{"type":"drain","within":0}');
  }

  _start() {
    const [owner] = this.tabs;
    if (!owner || this.isOver) {
      return;
    }
    this._owner = owner;
    this._asked = lowestOf(Array.from(this.tabs, ({ recover }) => recover));
    this._link = new Link(
      {
        opener: this.hub.makeOpener(owner.settings),
        clock: this.hub.clock,
        url: this.url,
        isProven: owner.isProven,
        token: owner.token,
        recover: this._asked
      },
      {
        connecting: () => this._greet(),
        accepted: (frame, transport) => this._accept(frame, transport),
        received: (frame, text) => this._receive(frame, text),
        lost: (close) => this._lose(close)
      }
    );
  }

  _greet() {
    this._isGreeting = true;
    this.channels.requestEarly();
  }

  /**
   * @param {any} frame
   * @param {string} transport
   */
  _accept(frame, transport) {
    this.welcome = frame;
    this.transport = transport;
    this.channels.begin(frame.channels, this._asked);
    for (const tab of Array.from(this.tabs)) {
      this._admit(tab);
    }
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
      tab.sendFrame({ ...this.welcome, channels: infos });
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
    const settle = this._pending.get(frame.reply_to);
    if (settle) {
      this._pending.delete(frame.reply_to);
      settle(frame);
    } else if (Object.prototype.hasOwnProperty.call(NOTICES, frame.type)) {
      NOTICES[frame.type](this, frame, text);
    } else {
      this.channels.notice(frame, text);
    }
  }

  // A refused token is the matter of the tab that has sent it.
  /** @param {Close} close */
  _lose(close) {
    const owner = this._owner;
    this._link = null;
    if (!this.welcome && owner && needsFreshToken(close.code) && this.tabs.size > 1) {
      this._isGreeting = false;
      this.channels.reset();
      this._pending.clear();
      owner.close(close);
      this._start();
    } else {
      this._end(close);
    }
  }

  /** @param {Close} [close]  for the tabs */
  _end(close) {
    this.isOver = true;
    this._cancelDrain();
    this.hub.rename(this, this.session);
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
    const link = this._link;
    if (link && link.hasReceivedWithin(RECENT_MS)) {
      tab.sendFrame({ type: "pong" });
    } else if (link) {
      this._pinging.add(tab);
      link.ping();
    }
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   */
  _refresh(tab, frame) {
    const session = sessionOf(frame.token);
    const isOther = session !== this.session && (this._refreshedTo || this.welcome.user !== null);
    if (isOther && session !== this._refreshedTo) {
      return tab.close(OTHER_SESSION);
    }
    tab.token = frame.token;
    if (session === this._refreshedTo) {
      return session === this.session ? tab.sendFrame(this._identity()) : undefined;
    }
    this._refreshedTo = session;
    this.request(frame, (answer) => this._settleRefresh(tab, session, answer));
  }

  /**
   * @param {Tab} tab
   * @param {string} session
   * @param {any} answer
   */
  _settleRefresh(tab, session, answer) {
    if (answer.type !== "refreshed") {
      this._refreshedTo = "";
      return tab.sendFrame(answer);
    }
    this.hub.rename(this, this.session, session);
    this.session = session;
    this.refreshed(answer);
  }

  _identity() {
    const { user, expires, rights } = this.welcome;
    return { type: "refreshed", user, expires, rights };
  }
}

/**
 * @param {Array<Object<string, import("../frames.js").Position>>} all
 * @returns {Object<string, import("../frames.js").Position>}
 */
function lowestOf(all) {
  /** @type {Object<string, import("../frames.js").Position>} */
  const low = {};
  for (const channel of Object.keys(Object.assign({}, ...all))) {
    low[channel] = /** @type {any} */ (lowest(all.map((positions) => positions[channel])));
  }
  return low;
}
