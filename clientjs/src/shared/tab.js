/**
 * One tab, as the hub sees it: its pipe, the identity of its token, and what it has requested.
 */
import { readFrame } from "../wire/frames.js";
import { CloseCode, MAX_EARLY_FRAMES } from "../wire/contract.js";
import { isFrame } from "./check.js";

/**
 * @typedef {Object} Pipe  to a tab
 * @property {function(any): void} post
 * @property {function(): void} close
 *
 * @typedef {import("./upstream.js").Upstream} Upstream
 * @typedef {import("./hub.js").Hub} Hub
 */

/** The tab comes back. */
export const GOING_AWAY = { code: 3000, reason: "going away" };

export class Tab {
  /**
   * @param {Pipe} pipe
   * @param {Hub} hub
   */
  constructor(pipe, hub) {
    this.pipe = pipe;
    this._hub = hub;
    this.seenAt = hub.clock.now();
    /** @type {any} */
    this.settings = {};
    this.url = "";
    /** The page was connected before. */
    this.isProven = false;
    this.token = "";
    /** @type {Object<string, import("../wire/frames.js").Recover>} */
    this.recover = {};
    /** @type {Upstream | null} */
    this.upstream = null;
    this.isWelcome = false;
    this.isOver = false;
    /** Frames before the welcome. @type {any[]} */
    this.early = [];
    /** Under way for this tab. @type {Set<import("./replay.js").Replay>} */
    this.replays = new Set();
    /** Ends the watch over the tab's lock. */
    this.stopWatching = () => {};
  }

  /** @param {any} message  see socket.js */
  receive(message) {
    this.seenAt = this._hub.clock.now();
    if (this.isOver || !message) {
      return;
    }
    if (message.type === "open") {
      const { url, settings, isProven } = message;
      Object.assign(this, { url: String(url), settings: settings || {}, isProven: !!isProven });
      this._hub.remember(message.remembered);
      this.pipe.post({ type: "opened" });
    } else if (message.type === "alive") {
      this.pipe.post({ type: "alive" });
    } else if (message.type === "held") {
      this._hub.watch(this, message.lock);
    } else if (message.type === "send") {
      this._receiveFrame(readFrame(message.text));
    } else if (message.type === "close") {
      this.leave();
    }
  }

  /** @param {any} frame */
  _receiveFrame(frame) {
    if (!isFrame(frame) || !this.upstream !== (frame.type === "connect")) {
      this.close({ code: CloseCode.PROTOCOL_ERROR, reason: "protocol error" });
    } else if (frame.type === "connect") {
      this.token = frame.token;
      this.recover = frame.recover || {};
      this._hub.join(this);
    } else if (this.isWelcome) {
      /** @type {Upstream} */ (this.upstream).receive(this, frame);
    } else if (this.early.push(frame) > MAX_EARLY_FRAMES) {
      this.close({ code: CloseCode.PROTOCOL_ERROR, reason: "protocol error" });
    } else {
      /** @type {Upstream} */ (this.upstream).receiveEarly(frame);
    }
  }

  /** @param {any} frame */
  sendFrame(frame) {
    this.send(JSON.stringify(frame));
  }

  /** @param {string} text */
  send(text) {
    if (!this.isOver) {
      this.pipe.post({ type: "frame", text });
    }
  }

  /** @param {string} name  of the transport, before the `connected` frame */
  setTransport(name) {
    this.pipe.post({ type: "transport", name, remembered: this._hub.remembered() });
  }

  /**
   * End the tab's virtual socket.
   *
   * @param {import("../wire/socket.js").Close} close
   */
  close(close) {
    if (!this.isOver) {
      this.pipe.post({ type: "closed", code: close.code, reason: close.reason });
      this.leave();
    }
  }

  /** Remove the tab. */
  leave() {
    this.isOver = true;
    this.stopWatching();
    this.replays.forEach((replay) => replay.close());
    const upstream = this.upstream;
    this.upstream = null;
    if (upstream) {
      upstream.remove(this);
    }
    this._hub.remove(this);
    this.pipe.close();
  }
}

/**
 * Send one frame to many tabs.
 *
 * @param {Iterable<Tab>} tabs
 * @param {string} text
 */
export function sendToAll(tabs, text) {
  for (const tab of tabs) {
    tab.send(text);
  }
}

/**
 * @param {Iterable<Tab>} tabs
 * @returns {Map<string, any[]>} their `subscribe` frames before the welcome, by channel
 */
export function earlyRequests(tabs) {
  const requests = new Map();
  for (const { early } of tabs) {
    for (const frame of early.filter(({ type }) => type === "subscribe")) {
      requests.set(frame.channel, (requests.get(frame.channel) || []).concat([frame]));
    }
  }
  return requests;
}
