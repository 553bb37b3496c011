/**
 * The requests of all tabs that wait for a response of the gateway, and how much each tab has sent.
 *
 * The gateway closes a connection that floods it (4504), or that sends a frame which is too large (4502). These codes mean "do not
 * come back". They are for the tab that has sent it, and for no other.
 */
import { CloseCode } from "../wire/contract.js";

/**
 * @typedef {import("./tab.js").Tab} Tab
 *
 * @typedef {Object} Request
 * @property {Tab | null} tab
 * @property {number} size  in characters
 * @property {function(any): void} settle
 */

/** As long as the gateway allows bursts. */
const WINDOW_MS = 10000;
/** The gateway counts a publication as ten frames. */
const PUBLISH_FRAMES = 10;

export class Pending {
  /** @param {import("../base/clock.js").Clock} clock */
  constructor(clock) {
    this._clock = clock;
    this._lastId = 0;
    /** @type {Map<number, Request>} */
    this._requests = new Map();
    this._startedAt = clock.now();
    /** Frames of each tab in this window, and in the one before. @type {Array<Map<Tab, number>>} */
    this._counts = [new Map(), new Map()];
  }

  /**
   * @param {any} frame
   * @param {function(any): void} callback  receives the response, with the id of the frame as `reply_to`
   * @param {Tab | null} tab  that has sent the frame
   * @returns {string} the frame with an id of its own
   */
  add(frame, callback, tab) {
    const id = (this._lastId += 1);
    const text = JSON.stringify({ ...frame, id });
    const settle = (/** @type {any} */ response) => callback({ ...response, reply_to: frame.id });
    this._requests.set(id, { tab, size: text.length, settle });
    if (tab) {
      this._count(tab, frame.type === "publish" ? PUBLISH_FRAMES : 1);
    }
    return text;
  }

  /**
   * @param {any} frame  of the gateway
   * @returns {boolean} false: it is not a response
   */
  settle(frame) {
    const request = this._requests.get(frame.reply_to);
    this._requests.delete(frame.reply_to);
    if (request) {
      request.settle(frame);
    }
    return !!request;
  }

  clear() {
    this._requests.clear();
  }

  /**
   * @param {number} code  with which the gateway has closed the connection
   * @returns {Tab | null} the tab that has caused it; null: no tab, or all
   */
  culprit(code) {
    if (code === CloseCode.MESSAGE_TOO_LARGE) {
      return this._largest();
    }
    return code === CloseCode.FLOOD ? this._busiest() : null;
  }

  _largest() {
    /** @type {Request | null} */
    let largest = null;
    this._requests.forEach((request) => {
      largest = largest && largest.size >= request.size ? largest : request;
    });
    return largest && /** @type {Request} */ (largest).tab;
  }

  _busiest() {
    const [now, before] = this._counts;
    const total = (/** @type {Tab} */ tab) => (now.get(tab) || 0) + (before.get(tab) || 0);
    const tabs = Array.from(new Set([...now.keys(), ...before.keys()]));
    return tabs.sort((one, other) => total(other) - total(one))[0] || null;
  }

  /**
   * @param {Tab} tab
   * @param {number} frames
   */
  _count(tab, frames) {
    if (this._clock.now() - this._startedAt > WINDOW_MS) {
      this._startedAt = this._clock.now();
      this._counts = [new Map(), this._counts[0]];
    }
    this._counts[0].set(tab, (this._counts[0].get(tab) || 0) + frames);
  }
}
