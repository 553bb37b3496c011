/**
 * The state of a channel that the page shows: loaded from Django, kept up to date by publications, and loaded again
 * after a gap.
 *
 * Strategy: the state is loaded once the channel is subscribed, so each publication is in the state, or arrives. What
 * arrives while `load` runs is held, and follows the state. After a gap, a publication on top of the old state may be
 * wrong, and only another load helps; its moment is random, since a gap often concerns all pages at once. Each load has a
 * number. The result of an earlier one is ignored.
 *
 * The handlers of the subscription are reached by its `emit` (chain.js), which every build of the client calls by that name.
 */
import { chainOf } from "./chain.js";
import { SeenState } from "./seen.js";

/**
 * @typedef {import("../sockgate.js").Subscription<any>} Room
 * @typedef {import("../sockgate.js").LoadStateOptions<any>} Options
 * @typedef {function({signal: AbortSignal | undefined}): any} Load
 */

const JITTER_MS = 3000;
const LONGEST_WAIT_MS = 30000;
/** As many as a loop keeps. More are dropped, and the state is loaded again. */
const MAX_HELD = 1000;

export class StateLoader {
  /**
   * @param {Room} room
   * @param {Load} load
   * @param {function(any): void} apply
   * @param {Options} options
   */
  constructor(room, load, apply, { jitterMs = JITTER_MS, loaded = false, positionOf }) {
    this._room = /** @type {any} */ (room);
    this._load = load;
    this._apply = apply;
    this._jitterMs = jitterMs;
    this._hasState = loaded;
    this._seen = new SeenState(positionOf);
    this._isOver = false;
    /** Of the load that runs, or of the last one. */
    this._number = 0;
    this._isLoading = false;
    this._failures = 0;
    /** A load was due while there was no connection. */
    this._isDue = false;
    /** @type {Array<[string, any, any]>} */
    this._held = [];
    /** @type {any} */
    this._timer = null;
    /** @type {AbortController | null} */
    this._controller = null;
    this._chain = chainOf(room);
    this._chain.add(this);
    if (room.state === "subscribed" && !loaded) {
      this._begin();
    }
  }

  /** End it: nothing is loaded or held any more. */
  stop() {
    if (!this._isOver) {
      this._isOver = true;
      this._cancel();
      this._release();
      this._chain.remove(this);
    }
  }

  /** End it: the page unsubscribes, and wants nothing that is held. */
  leave() {
    this._held = [];
    this.stop();
  }

  /**
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  handle(event, first, second) {
    if (!this._isOver && second && second.type === undefined) {
      return this._handleMessage(event, first, second);
    }
    const isHandled = this._pass(event, first, second);
    const follow = !this._isOver && FOLLOWS.get(event);
    if (follow) {
      follow(this, second);
    }
    return isHandled;
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {any} message
   * @returns {boolean} there is a handler, or there may be one
   */
  _handleMessage(event, data, message) {
    if (this._isLoading && this._held.length >= MAX_HELD) {
      this.reload({});
    }
    if (this._isLoading) {
      this._held.push([event, data, message]);
    } else if (this._hasState && !this._seen.has(message)) {
      return this._pass(event, data, message);
    }
    return true;
  }

  /**
   * The first time, load at once. Later the page has all publications only if they were recovered.
   *
   * @param {any} frame
   */
  subscribed(frame) {
    this._seen.start(frame);
    if (!this._hasState && !this._isLoading && this._timer === null) {
      this._begin();
    } else if (frame.recovered !== true || this._isDue) {
      this.reload(frame);
    }
  }

  /** @param {any} frame  publications may have been lost, also for the load that runs */
  gap(frame) {
    this._seen.start(frame);
    this.reload(frame);
  }

  /**
   * Load the state again, in a while, unless that is due already.
   *
   * @param {import("../sockgate.js").Crowd} crowd  how long this may take, since it concerns many
   */
  reload({ within = 0 }) {
    if (this._isLoading || this._timer === null) {
      this._cancel();
      this._release();
      this._later(Math.random() * Math.max(this._jitterMs, within * 1000));
    }
  }

  /** Stop until the channel is subscribed again: it was taken away. */
  suspend() {
    this._cancel();
    this._hasState = false;
    this._held = [];
  }

  _begin() {
    this._timer = null;
    this._isDue = this._room.state !== "subscribed";
    if (this._isDue) {
      return;
    }
    const number = ++this._number;
    this._isLoading = true;
    this._controller = typeof AbortController === "function" ? new AbortController() : null;
    const signal = this._controller ? this._controller.signal : undefined;
    new Promise((resolve) => resolve(this._load({ signal }))).then(
      (state) => number === this._number && this._finish(state),
      (error) => number === this._number && this._fail(error)
    );
  }

  /** @param {any} state */
  _finish(state) {
    this._isLoading = false;
    this._failures = 0;
    this._hasState = true;
    this._seen.load(state);
    try {
      this._apply(state);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
    this._release();
  }

  /** @param {any} error */
  _fail(error) {
    this._isLoading = false;
    this._release();
    this._failures += 1;
    const longestMs = Math.min(500 * 2 ** this._failures, LONGEST_WAIT_MS);
    this._later((longestMs * (1 + Math.random())) / 2);
    const { channel } = this._room;
    const message = `the state of ${channel} could not be loaded: ${(error && error.message) || error}`;
    const frame = { type: "error", code: "load_failed", message, channel, cause: error };
    if (!this._pass("error", frame.code, frame) && typeof console === "object") {
      console.warn(`sockgate: ${message}`);
    }
  }

  /** @param {number} ms */
  _later(ms) {
    if (!this._isOver) {
      this._timer = setTimeout(() => this._begin(), ms);
    }
  }

  _cancel() {
    clearTimeout(this._timer);
    this._timer = null;
    this._number += 1;
    this._isLoading = false;
    if (this._controller) {
      this._controller.abort();
      this._controller = null;
    }
  }

  // On no state, there is nothing to change: the next load has it.
  _release() {
    for (let one = this._held.shift(); one; one = this._held.shift()) {
      const [event, data, message] = one;
      if (this._hasState && !this._seen.has(message)) {
        this._pass(event, data, message);
      }
    }
  }

  /**
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean}
   */
  _pass(event, first, second) {
    return this._chain.pass(this, event, first, second);
  }
}

/** What follows the handlers of an event. @type {Map<string, function(StateLoader, any): void>} */
const FOLLOWS = new Map([
  ["subscribed", (loader, frame) => loader.subscribed(frame)],
  ["gap", (loader, frame) => loader.gap(frame)],
  ["unsubscribed", (loader) => loader.suspend()]
]);
