/**
 * The guard of a page: when it asks, warns and covers.
 *
 * Strategy: the page knows the seconds that its login had when it was asked for last. Other tabs may extend the login, so
 * the page asks again before it warns, and before and at the end. Asking does not extend the login. What another tab of
 * this browser has learned arrives by a BroadcastChannel. The page is covered at once when its client says that the login
 * has ended, at the end that is known while the site does not answer, and while a page that was kept by the browser is
 * checked. Once the end is certain, only a new page helps.
 */

import { documentOf } from "../../base/globals.js";

const LONGEST_STEP_MS = 15000;
/** Ask once more at this time before the end. */
const LAST_CALL_MS = 2500;
/** At the end, a login with less than this left has ended; the rest is rounding. */
const SPARE_MS = 1500;
const RETRY_MS = 5000;
const LONGEST_RETRY_MS = 60000;
/** A hidden tab asks a little later, so that it may learn the answer from a visible one. */
const HIDDEN_MS = 4000;

const ENDED_CODES = [401, 4500];
const BY_PAGE = 1000;

/**
 * @typedef {import("./requests.js").Answer} Answer
 * @typedef {import("./screen.js").Screen} Screen
 */

export class Guard {
  /**
   * @param {Object} parts
   * @param {any} parts.page  a window
   * @param {any} parts.config  see index.js
   * @param {Screen} parts.screen
   * @param {{now: function(): number}} parts.clock
   * @param {function("GET" | "POST"): Promise<Answer>} parts.request
   */
  constructor({ page, config, screen, clock, request }) {
    this._page = page;
    this._config = config;
    this._screen = screen;
    this._clock = clock;
    this._request = request;
    /** Of the clients of the page. @type {Array<{emit: function(string, any): boolean}>} */
    this._emitters = [];
    /** When the login ends, on the clock. */
    this._endsAt = clock.now() + (config.expiresIn === null ? 0 : config.expiresIn * 1000);
    this._isKnown = config.expiresIn !== null;
    /** What the login has after an extension; null: it cannot be extended. @type {number | null} */
    this._extendsToMs = config.extendsTo && config.extendsTo * 1000;
    this._hasWarned = false;
    this._hasAskedAtEnd = false;
    this._isVeiled = false;
    this._isOver = false;
    this._isAsking = false;
    this._failures = 0;
    /** No question before this moment. */
    this._nextAskAt = 0;
    /** @type {any} */
    this._timer = null;
    /** @type {any} */
    this._tabs = null;
    this._hasWaited = false;
  }

  /** Begin. A page that comes back from the browser's history is checked first. */
  start() {
    this._openTabs();
    if (isFromHistory(this._page)) {
      this._veil();
      this._ask();
    }
    this.check();
  }

  /** End it. A cover stays. */
  stop() {
    this._isOver = true;
    this._page.clearTimeout(this._timer);
    this._closeTabs();
  }

  _openTabs() {
    if (!this._tabs && this._page.BroadcastChannel) {
      this._tabs = new this._page.BroadcastChannel("sockgate-guard");
      this._tabs.onmessage = (/** @type {any} */ { data }) => this._learn(data);
    }
  }

  // An open channel may keep a page out of the browser's cache.
  _closeTabs() {
    if (this._tabs) {
      this._tabs.close();
      this._tabs = null;
    }
  }

  /** Follow a client of the page. @param {any} client @param {any} events */
  follow(client, events) {
    this._emitters.push(events);
    client.on("state", (/** @type {string} */ state, /** @type {any} */ detail) => this._enter(state, detail));
    client.on("user", (/** @type {string | null} */ now) => this._meet(now));
  }

  /** @param {string} state @param {any} detail */
  _enter(state, detail) {
    if (state === "connected") {
      this._meet(detail.user);
    } else if (state === "closed" && ENDED_CODES.includes(detail.code)) {
      this._end("ended");
    } else if (state === "closed" && detail.code !== BY_PAGE) {
      this._ask();
    }
  }

  /** The connection is of this user. @param {string | null} user */
  _meet(user) {
    if (user !== this._config.user) {
      this._end(user === null ? "ended" : "other");
    }
  }

  /** Do what is due: ask, warn, cover. Called by timers, and when the page wakes up. */
  check() {
    if (this._isOver) {
      return;
    }
    const leftMs = this._leftMs();
    if (!this._isKnown || leftMs <= 0) {
      this._checkEnd();
    } else if (leftMs <= LAST_CALL_MS && !this._hasAskedAtEnd) {
      this._hasAskedAtEnd = true;
      this._ask();
    } else if (leftMs <= this._warnMs() && !this._hasWarned) {
      this._ask();
    }
    this._screen.show(Math.max(leftMs, 0));
    this._schedule(leftMs);
  }

  // Without a known end there is nothing to cover: Redis did not answer when the page was made.
  _checkEnd() {
    if (this._isKnown) {
      this._veil();
    }
    this._ask();
  }

  /** The page was put into the browser's cache: cover it until it is known that its login lives. */
  hide() {
    if (!this._isOver) {
      this._closeTabs();
      this._veil();
    }
  }

  /** The page is shown again, or the network is back. */
  wake() {
    if (this._isOver) {
      return;
    }
    this._openTabs();
    this._nextAskAt = 0;
    if (this._isVeiled) {
      this._ask();
    }
    this.check();
  }

  /** Extend the login. @returns {Promise<number>} the seconds that it has now */
  async stay() {
    const answer = await this._take("POST");
    if (answer.kind !== "login") {
      throw new Error("sockgate: the login could not be extended");
    }
    return Math.round(this._leftMs() / 1000);
  }

  async _ask() {
    const now = this._clock.now();
    const isHidden = documentOf(this._page, "visibilityState") === "hidden";
    if (this._isOver || this._isAsking || now < this._nextAskAt) {
      return;
    }
    // The first time, a hidden tab waits; a veil needs no haste either, since nobody sees the page.
    if (isHidden && !this._hasWaited) {
      this._hasWaited = true;
      this._nextAskAt = now + HIDDEN_MS * (0.25 + 0.75 * Math.random());
      return;
    }
    this._hasWaited = false;
    this._isAsking = true;
    const answer = await this._take("GET");
    this._isAsking = false;
    if (answer.kind === "unknown") {
      this._nextAskAt = this._clock.now() + Math.min(RETRY_MS * 2 ** this._failures, LONGEST_RETRY_MS);
      this._failures += 1;
      this._warnIfDue();
    }
    this.check();
  }

  /** @param {"GET" | "POST"} method @returns {Promise<Answer>} */
  async _take(method) {
    // The login may end earlier than this by the time that the response takes, never later.
    const askedAt = this._clock.now();
    const answer = await this._request(method);
    if (this._isOver) {
      return answer;
    }
    if (answer.kind === "none") {
      this._tell({ user: this._config.user, hasEnded: true });
      this._end("ended");
    } else if (answer.kind === "login") {
      this._apply(answer, askedAt);
      const { user, expiresInMs, extendsToMs } = answer;
      this._tell({ user, expiresInMs, extendsToMs });
    }
    return answer;
  }

  /** Another tab has asked. @param {any} data */
  _learn(data) {
    if (this._isOver || !data || data.user !== this._config.user) {
      return;
    }
    if (data.hasEnded) {
      this._nextAskAt = 0;
      this._ask();
    } else if (data.expiresInMs >= 0) {
      this._apply({ kind: "login", ...data }, this._clock.now());
      this.check();
    }
  }

  /** @param {any} data */
  _tell(data) {
    if (this._tabs) {
      this._tabs.postMessage(data);
    }
  }

  /** @param {any} answer @param {number} askedAt */
  _apply({ user, expiresInMs, extendsToMs }, askedAt) {
    if (user !== this._config.user) {
      return this._end("other");
    }
    this._failures = 0;
    this._hasWaited = false;
    this._isKnown = true;
    this._endsAt = askedAt + expiresInMs;
    this._extendsToMs = extendsToMs;
    const leftMs = this._leftMs();
    if (leftMs > LAST_CALL_MS) {
      this._hasAskedAtEnd = false;
    }
    if (leftMs > SPARE_MS) {
      this._lift();
    }
    if (leftMs > this._warnMs()) {
      this._hasWarned = false;
      this._screen.dismiss();
    }
    this._warnIfDue();
  }

  _warnIfDue() {
    const leftMs = this._leftMs();
    if (this._isKnown && !this._isOver && !this._isVeiled && !this._hasWarned && leftMs > 0 && leftMs <= this._warnMs()) {
      this._hasWarned = true;
      const canStay = this._extendsToMs !== null;
      const stay = () => this.stay();
      const detail = { expiresIn: Math.round(leftMs / 1000), canStay, stay };
      this._emitters.forEach((events) => events.emit("session-expiring", detail));
      if (this._config.dialog) {
        this._screen.warn(canStay, stay);
      }
    }
  }

  // A login that lasts shorter than the warning would be warned about at once, again and again.
  _warnMs() {
    const warnMs = this._config.warn * 1000;
    return this._extendsToMs === null ? warnMs : Math.min(warnMs, this._extendsToMs / 2);
  }

  _leftMs() {
    return this._endsAt - this._clock.now();
  }

  _veil() {
    if (this._config.cover && !this._isVeiled) {
      this._isVeiled = true;
      this._screen.dismiss();
      this._screen.cover("checking");
    }
  }

  _lift() {
    if (this._isVeiled) {
      this._isVeiled = false;
      this._hasWarned = false;
      this._screen.lift();
    }
  }

  /** @param {"ended" | "other"} why */
  _end(why) {
    if (!this._isOver) {
      this.stop();
      this._screen.dismiss();
      if (this._config.cover) {
        this._screen.cover(why);
      }
    }
  }

  /** @param {number} leftMs */
  _schedule(leftMs) {
    const { setTimeout, clearTimeout } = this._page;
    const dueMs = [this._screen.isWarning ? leftMs % 1000 || 1000 : LONGEST_STEP_MS];
    if (this._isKnown) {
      dueMs.push(leftMs, leftMs - LAST_CALL_MS, leftMs - this._warnMs());
    }
    dueMs.push(this._nextAskAt - this._clock.now());
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.check(), Math.min(...dueMs.filter((ms) => ms > 0)) + 10);
  }
}

/** @param {any} page @returns {boolean} the page was loaded by "back" or "forward", maybe without a request */
function isFromHistory(page) {
  const [navigation] = page.performance.getEntriesByType ? page.performance.getEntriesByType("navigation") : [];
  return !!navigation && navigation.type === "back_forward";
}
