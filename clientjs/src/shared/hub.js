/**
 * The shared side: a connection to the gateway for each session, and the tabs that share it.
 *
 * It runs in a SharedWorker. docs/shared.md follows the data.
 */
import { Clock } from "../base/clock.js";
import { Memory } from "../transports/memory.js";
import { Opener } from "../transports/opener.js";
import { sessionOf } from "./identity.js";
import { GOING_AWAY, Tab } from "./tab.js";
import { Upstream } from "./upstream.js";

/**
 * @typedef {Object} HubParts
 * @property {any} page  what pageOf makes of a worker
 * @property {import("../base/clock.js").Clock} [clock]
 * @property {import("../transports/script.js").LoadSockJS} loadSockJS
 * @property {function(): number} [random]
 * @property {function(any): any} [makeOpener]  for tests
 */

/** A tab says every few seconds that it is there. Browsers slow hidden ones down to once a minute. */
const SILENT_TAB_MS = 300000;
const SWEEP_MS = 30000;

export class Hub {
  /** @param {HubParts} parts */
  constructor(parts) {
    this._parts = parts;
    this.clock = parts.clock || new Clock();
    this.random = parts.random || Math.random;
    /** By gateway and session. @type {Map<string, Upstream>} */
    this._upstreams = new Map();
    /** @type {Set<Tab>} */
    this._tabs = new Set();
    this._cancelSweep = () => {};
    this._memory = new Memory(parts.page, () => Date.now());
  }

  /**
   * @param {import("./tab.js").Pipe} pipe
   * @returns {Tab}
   */
  accept(pipe) {
    const tab = new Tab(pipe, this);
    if (!this._tabs.size) {
      this._sweepLater();
    }
    this._tabs.add(tab);
    return tab;
  }

  /**
   * Attach a tab to the connection of its session.
   *
   * @param {Tab} tab
   */
  join(tab) {
    const key = keyOf(tab.url, tab.token);
    const upstream = this._upstreams.get(key) || new Upstream(this, tab.url, sessionOf(tab.token));
    this._upstreams.set(key, upstream);
    tab.upstream = upstream;
    upstream.add(tab);
  }

  /** @param {Tab} tab */
  remove(tab) {
    this._tabs.delete(tab);
    if (!this._tabs.size) {
      this._cancelSweep();
    }
  }

  /**
   * Record that a connection has another session now, or none.
   *
   * @param {Upstream} upstream
   * @param {string} before
   * @param {string} [now]
   */
  rename(upstream, before, now) {
    if (this._upstreams.get(upstream.url + " " + before) === upstream) {
      this._upstreams.delete(upstream.url + " " + before);
    }
    if (now !== undefined && !this._upstreams.has(upstream.url + " " + now)) {
      this._upstreams.set(upstream.url + " " + now, upstream);
    }
  }

  /**
   * @param {any} settings  of a tab
   * @returns {any} an Opener
   */
  makeOpener(settings) {
    const { page, loadSockJS, makeOpener } = this._parts;
    if (makeOpener) {
      return makeOpener(settings);
    }
    return new Opener({ settings, page, clock: this.clock, memory: this._memory, loadSockJS });
  }

  // A worker has no storage: its tabs keep for it which way has worked.

  /** @param {any} text  of a tab */
  remember(text) {
    if (typeof text === "string" && !this._memory.text()) {
      this._memory.adopt(text);
    }
  }

  /** @returns {string} */
  remembered() {
    return this._memory.text();
  }

  /**
   * Remove a tab when the browser releases its lock: it was closed, or it crashed.
   *
   * @param {Tab} tab
   * @param {string} name  of the lock
   */
  watch(tab, name) {
    const { locks } = this._parts.page.navigator;
    if (!locks) {
      return;
    }
    const aborter = new AbortController();
    tab.stopWatching = () => aborter.abort();
    locks.request(name, { signal: aborter.signal }, () => tab.leave()).catch(() => {});
  }

  _sweepLater() {
    this._cancelSweep = this.clock.after(SWEEP_MS, () => {
      this._sweepLater();
      for (const tab of Array.from(this._tabs)) {
        if (this.clock.now() - tab.seenAt > SILENT_TAB_MS) {
          // The tab comes back when it wakes up.
          tab.close(GOING_AWAY);
        }
      }
    });
  }
}

/**
 * @param {string} url
 * @param {string} token
 */
function keyOf(url, token) {
  return url + " " + sessionOf(token);
}
