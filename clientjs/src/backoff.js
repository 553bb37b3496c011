/**
 * How long to wait before the next attempt: exponential, with full jitter, so that the clients
 * of a gateway that went away do not come back together.
 */

/**
 * @typedef {Object} Pace
 * @property {number} floorMs  wait at least so long
 * @property {number} spreadMs  spread the clients over at least so long after that
 */

/** @type {Pace} */
var USUAL = { floorMs: 0, spreadMs: 0 };

/**
 * @constructor
 * @param {{minMs: number, maxMs: number}} limits  the widest first wait, and the widest of all
 * @param {function(): number} random  gives [0, 1)
 */
export function Backoff(limits, random) {
  this._limits = limits;
  this._random = random;
  this._attempts = 0;
}

/**
 * @param {Pace} [pace]
 * @returns {number} milliseconds
 */
Backoff.prototype.next = function (pace) {
  var asked = pace || USUAL;
  var widest = Math.min(this._limits.maxMs, this._limits.minMs * Math.pow(2, this._attempts));
  this._attempts += 1;
  return Math.floor(asked.floorMs + this._random() * Math.max(widest, asked.spreadMs));
};

/** Begin anew: all is well. */
Backoff.prototype.reset = function () {
  this._attempts = 0;
};
