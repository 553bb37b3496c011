/**
 * Opens the connections of a client: it knows the ways that are allowed, the one that has worked, and
 * those that let nothing through.
 */
import { SockJSCode } from "../wire/closecodes.js";
import { Move } from "./move.js";
import { GREETING_MS, PROVEN_PATIENCE_MS, UNPROVEN_GREETING_MS, UPGRADE_AFTER_MS } from "./patience.js";
import { Race } from "./race.js";
import { NEVER_OPEN, openRaw } from "./raw.js";
import { loadScript, scriptUrlOf, unloadable } from "./script.js";
import { startingWith, waysOf } from "./ways.js";

/**
 * @typedef {import("./ways.js").Way} Way
 * @typedef {import("../wire/socket.js").Close} Close
 * @typedef {import("../wire/socket.js").SockJSLike} SockJSLike
 */

/** The shared connection opens by the ways above, elsewhere. @type {Way} */
const SHARED = { name: "shared", transports: [], patienceMs: 15000 };
const SHARED_GREETING_MS = 40000;

/** @type {Close} */
const NOT_SHARED = { code: SockJSCode.ALL_TRANSPORTS_FAILED, reason: "no shared connection" };

/**
 * @typedef {Object} OpenerParts
 * @property {import("../core/settings.js").Settings} settings
 * @property {any} page  a window
 * @property {import("../base/clock.js").Clock} clock
 * @property {import("./memory.js").Memory} memory
 * @property {import("./script.js").LoadSockJS} loadSockJS
 */

export class Opener {
  /**
   * @param {OpenerParts} parts
   */
  constructor(parts) {
    this._parts = parts;
    this._ways = waysOf(parts.settings, !!parts.page.WebSocket);
    this._isProven = false;
    this._url = "";
    /** @type {SockJSLike | null} */
    this._raw = null;
    /** @type {Race | null} */
    this._race = null;
    /** Ways that have opened and then let nothing through. @type {Object<string, boolean>} */
    this._mute = {};
  }

  /**
   * @param {string} url  of the gateway
   * @param {boolean} isProven  the way that worked last is likely to work
   * @param {SockJSLike | null | false} [raw]  a WebSocket that has been silent; null: it has failed; false: it has opened, and let
   *     nothing through
   * @returns {SockJSLike}
   */
  open(url, isProven, raw) {
    const self = this;
    this._raw = raw || null;
    this._url = url;
    if (raw === false) {
      this._setMute("raw");
    }
    this._isProven = isProven;
    let ways = startingWith(this._audible(), this._parts.memory.recall(url));
    if (raw) {
      ways = startingWith(ways, "raw");
      ways[0] = { name: "raw", transports: ways[0].transports, patienceMs: 1 };
    } else if (raw === null) {
      ways = startingWith(ways, "raw").slice(1);
    }
    if (this._parts.settings.shared && !this._mute.shared) {
      ways.unshift(SHARED);
    }
    this._race = new Race(ways, {
      clock: this._parts.clock,
      patienceMs: isProven ? PROVEN_PATIENCE_MS : this._parts.settings.fallbackAfterMs,
      isProven,
      prepare(way, callback) {
        self._prepare(url, way, callback);
      }
    });
    return this._race;
  }

  /** @returns {number} how long the gateway may take to answer `connect` */
  greetingMs() {
    const way = this._race ? this._race.way : "";
    if (way === "shared") {
      return SHARED_GREETING_MS;
    }
    if (this._isProven || way === "polling") {
      return GREETING_MS;
    }
    // A proxy may hold back a stream after its beginning.
    return way === "streaming" ? this._parts.settings.fallbackAfterMs : UNPROVEN_GREETING_MS;
  }

  /** Record that the gateway has answered. */
  accepted() {
    this._mute = {};
    if (this._race && !/^(websocket|shared)$/.test(this._race.way)) {
      this._parts.memory.keep(this._url, this._race.way);
      this._moveLater(this._race);
    }
  }

  // Over HTTP, a WebSocket is tried in the background.
  /** @param {Race} race */
  _moveLater(race) {
    const parts = this._parts;
    const url = this._url;
    /** @type {any} */
    const session = race.socket();
    if (race.way !== "raw" && this._ways[0].name === "raw" && parts.settings.transport === "auto" && session.secret) {
      race.move = new Move({
        race,
        session,
        page: parts.page,
        clock: parts.clock,
        afterMs: parts.settings.upgradeAfterMs || UPGRADE_AFTER_MS,
        moved() {
          parts.memory.keep(url, "raw");
        }
      });
    }
  }

  /**
   * Record that the gateway has not answered in time.
   *
   * @returns {boolean} another way should be tried at once
   */
  unanswered() {
    const way = this._race ? this._race.way : "";
    if (this._isProven || way === "polling") {
      this._mute = {};
      return false;
    }
    this._setMute(way);
    if (this._audible().length) {
      return true;
    }
    this._mute = {};
    return false;
  }

  // Where the raw WebSocket is mute, SockJS's would be, too.
  /** @param {string} way */
  _setMute(way) {
    this._mute[way] = true;
    if (way === "raw") {
      this._mute.websocket = true;
    }
  }

  /** @returns {Way[]} those that are not mute */
  _audible() {
    const audible = [];
    for (let i = 0; i < this._ways.length; i++) {
      if (!this._mute[this._ways[i].name]) {
        audible.push(this._ways[i]);
      }
    }
    return audible;
  }

  /**
   * @param {string} url
   * @param {Way} way
   * @param {function(Close | null, (function(): SockJSLike)=): void} callback
   */
  _prepare(url, way, callback) {
    const page = this._parts.page;
    if (way.name === "raw") {
      const raw = this._raw;
      return callback(NEVER_OPEN, () => raw || openRaw(url, page));
    }
    if (way.name === "shared") {
      return this._prepareShared(url, callback);
    }
    const settings = this._parts.settings;
    const scriptUrl = scriptUrlOf(url, settings, page);
    this._parts.loadSockJS(scriptUrl, page, (openSockJS) => {
      if (!openSockJS) {
        return callback(unloadable(scriptUrl, settings));
      }
      callback(null, () => openSockJS(url, way.transports));
    });
  }

  // Where tabs cannot share, each has a connection of its own.
  /**
   * @param {string} url
   * @param {function(Close | null, (function(): any)=): void} callback
   */
  _prepareShared(url, callback) {
    const parts = this._parts;
    const isProven = this._isProven;
    loadScript(parts.settings.sharedUrl, parts.page, "SockgateShared", (shared) => {
      callback(NOT_SHARED, () => shared && shared.open(url, parts.settings, parts.page, isProven));
    });
  }
}
