/**
 * The position of each channel: epoch and offset of the last publication that was received. With
 * it, a client that reconnects requests what it missed, drops duplicates and detects gaps.
 */
import { each, keyOf, nameOf } from "../base/own.js";

/**
 * @typedef {import("./frames.js").Position} Position
 * @typedef {import("./frames.js").Recover} Recover
 *
 * @typedef {Object} HistoryInfo  what a `subscribed` or `connected` frame says of a channel
 * @property {string} [epoch]  absent: the channel has no history
 * @property {number} [offset]  of the newest publication
 * @property {boolean} [recovered]  whether the missed publications follow; absent: not requested
 */

export class Positions {
  constructor() {
    /** By the key of a channel. @type {Object<string, Position>} */
    this._positions = {};
  }

  /**
   * Record the state of a channel that the gateway starts to deliver.
   *
   * The position stays where it is when the gateway recovers from there in the same epoch, because
   * the missed publications are about to arrive.
   *
   * @param {string} channel
   * @param {HistoryInfo} info
   * @returns {boolean} false: publications are lost
   */
  start(channel, info) {
    const last = this.of(channel);
    // Until the channel starts, it may be how many of the newest publications are wanted.
    const isPosition = !!last && last[1] >= 0;
    const isKept = info.recovered !== false;
    if (!info.epoch) {
      if (!isKept) {
        this.forget(channel);
      }
    } else if (!isKept || !isPosition || /** @type {Position} */ (last)[0] !== info.epoch) {
      this.put(channel, [info.epoch, info.offset || 0]);
      return isKept && !isPosition;
    }
    return isKept;
  }

  /**
   * Set the position of a channel, or what is wanted of it at its start.
   *
   * @param {string} channel
   * @param {Recover} recover
   */
  put(channel, recover) {
    this._positions[keyOf(channel)] = /** @type {Position} */ (recover);
  }

  /**
   * Move the position to a publication, and compare the two.
   *
   * @param {import("./frames.js").Frame} publication
   * @returns {"next" | "again" | "ahead"}  "again": a duplicate; "ahead": publications are missing
   */
  take(publication) {
    const channel = /** @type {string} */ (publication.channel);
    const last = this.of(channel);
    if (!publication.offset || !last) {
      return "next";
    }
    if (publication.epoch && publication.epoch !== last[0]) {
      this.put(channel, [publication.epoch, publication.offset]);
      return "next";
    }
    if (publication.offset <= last[1]) {
      return "again";
    }
    this.put(channel, [last[0], publication.offset]);
    return publication.offset === last[1] + 1 ? "next" : "ahead";
  }

  /** @param {string} channel  not subscribed any more */
  forget(channel) {
    delete this._positions[keyOf(channel)];
  }

  /**
   * @param {function(string): boolean} isRequested  such a channel recovers by its `subscribe` frame
   * @returns {Object<string, Position>} for the next `connect` frame
   */
  recover(isRequested) {
    /** @type {Object<string, Position>} */
    const recover = {};
    each(this._positions, (key, position) => {
      const channel = nameOf(key);
      if (!isRequested(channel)) {
        recover[channel] = position;
      }
    });
    return recover;
  }

  /**
   * @param {string} channel
   * @returns {Position | null}
   */
  of(channel) {
    return this._positions[keyOf(channel)] || null;
  }
}
