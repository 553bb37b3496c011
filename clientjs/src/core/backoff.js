/**
 * The wait before the next attempt: exponential back-off with full jitter, so that the clients of a
 * gateway that stopped do not reconnect together.
 */

/**
 * @typedef {Object} Pace
 * @property {number} floorMs  the least wait
 * @property {number} spreadMs  random addition: the range is at least this wide
 */

/** @type {Pace} */
const USUAL = { floorMs: 0, spreadMs: 0 };

export class Backoff {
  /**
   * @param {{minMs: number, maxMs: number}} limits  upper limits of the first and of every random wait
   * @param {function(): number} random  returns a number in [0, 1)
   */
  constructor(limits, random) {
    this._limits = limits;
    this._random = random;
    this._attempts = 0;
  }

  /**
   * @param {Pace} [pace]
   * @returns {number} milliseconds
   */
  next(pace) {
    const chosen = pace || USUAL;
    const widest = Math.min(this._limits.maxMs, this._limits.minMs * 2 ** this._attempts);
    this._attempts += 1;
    return Math.floor(chosen.floorMs + this._random() * Math.max(widest, chosen.spreadMs));
  }

  /** Start again with the shortest wait, after a success. */
  reset() {
    this._attempts = 0;
  }
}
