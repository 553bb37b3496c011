/**
 * Up to where each channel was heard: what lets a returning client be given what it missed,
 * what lets it drop what it is given twice, and what tells it that something is missing.
 */

/**
 * @typedef {import("./frames.js").Position} Position
 *
 * @typedef {Object} Told  what the gateway says of a channel's history
 * @property {string} [epoch]  absent: there is none
 * @property {number} [offset]  the last one
 * @property {boolean} [recovered]  whether what was missed follows; absent: nobody asked
 */

var own = Object.prototype.hasOwnProperty;

/** @constructor */
export function Positions() {
  /** @type {Object<string, Position>} */
  this._heard = {};
}

/**
 * Take note of what the gateway says of a channel that it begins to deliver.
 *
 * What was heard in the same epoch stays when the rest was recovered, for that is about to be
 * delivered.
 *
 * @param {string} channel
 * @param {Told} told
 * @returns {boolean} false: something was lost
 */
Positions.prototype.meet = function (channel, told) {
  var heard = this.of(channel);
  if (typeof told.epoch !== "string" || !told.epoch) {
    return this._meetNoHistory(channel, told);
  }
  var goesOn = !!heard && heard[0] === told.epoch && told.recovered !== false;
  if (!goesOn) {
    this.put(channel, [told.epoch, told.offset || 0]);
  }
  return goesOn || !heard;
};

/**
 * @param {string} channel
 * @param {Told} told
 */
Positions.prototype._meetNoHistory = function (channel, told) {
  var isLost = told.recovered === false;
  if (isLost) {
    this.forget(channel);
  }
  return !isLost;
};

/**
 * Go on from here.
 *
 * @param {string} channel
 * @param {Position} position
 */
Positions.prototype.put = function (channel, position) {
  this._heard[channel] = position;
};

/**
 * Take a publication, and tell how it follows on what was heard.
 *
 * @param {import("./frames.js").Frame} publication
 * @returns {"next" | "again" | "ahead"}  "ahead": those between are missing
 */
Positions.prototype.take = function (publication) {
  var channel = /** @type {string} */ (publication.channel);
  var heard = this.of(channel);
  if (!publication.offset || !heard) {
    return "next";
  }
  if (publication.epoch && publication.epoch !== heard[0]) {
    this.put(channel, [publication.epoch, publication.offset]);
    return "next";
  }
  if (publication.offset <= heard[1]) {
    return "again";
  }
  this.put(channel, [heard[0], publication.offset]);
  return publication.offset === heard[1] + 1 ? "next" : "ahead";
};

/** @param {string} channel  that is not heard any more */
Positions.prototype.forget = function (channel) {
  delete this._heard[channel];
};

/**
 * @param {function(string): boolean} isAskedFor  such a channel is recovered when it is asked for
 * @returns {Object<string, Position>} for the next connect frame
 */
Positions.prototype.recover = function (isAskedFor) {
  /** @type {Object<string, Position>} */
  var given = {};
  for (var channel in this._heard) {
    if (own.call(this._heard, channel) && !isAskedFor(channel)) {
      given[channel] = this._heard[channel];
    }
  }
  return given;
};

/**
 * @param {string} channel
 * @returns {Position | null}
 */
Positions.prototype.of = function (channel) {
  return own.call(this._heard, channel) ? this._heard[channel] : null;
};
