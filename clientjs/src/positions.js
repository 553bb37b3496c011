/**
 * Up to where each channel was heard: what lets a returning client be given what it missed,
 * and what lets it drop what it is given twice.
 */

/** @typedef {import("./frames.js").Position} Position */

var own = Object.prototype.hasOwnProperty;

/** @constructor */
export function Positions() {
  /** @type {Object<string, Position>} */
  this._heard = {};
  /** @type {Object<string, Position>} */
  this._tops = {};
}

/**
 * Take note of what the gateway said of each channel's history when it welcomed us.
 *
 * What was heard in the same epoch stays: what lies between is about to be delivered.
 *
 * @param {Object<string, {epoch?: string, offset?: number}>} channels
 */
Positions.prototype.welcome = function (channels) {
  for (var channel in channels) {
    var top = channels[channel];
    if (own.call(channels, channel) && top && typeof top.epoch === "string") {
      this._top(channel, [top.epoch, top.offset || 0]);
    }
  }
};

/**
 * @param {string} channel
 * @param {Position} top
 */
Positions.prototype._top = function (channel, top) {
  var heard = this._of(channel);
  this._tops[channel] = top;
  if (!heard || heard[0] !== top[0]) {
    this._heard[channel] = top;
  }
};

/**
 * Tell whether a publication is new, and remember it.
 *
 * @param {import("./frames.js").Frame} publication
 * @returns {boolean}
 */
Positions.prototype.accept = function (publication) {
  var heard = this._of(/** @type {string} */ (publication.channel));
  if (!publication.offset || !heard) {
    return true;
  }
  if (publication.offset <= heard[1]) {
    return false;
  }
  this._heard[/** @type {string} */ (publication.channel)] = [heard[0], publication.offset];
  return true;
};

/**
 * What was missed is lost: begin again at the top, rather than ask for it for ever.
 *
 * @param {string} channel
 */
Positions.prototype.skip = function (channel) {
  var top = own.call(this._tops, channel) ? this._tops[channel] : null;
  var heard = this._of(channel);
  if (top && heard && top[0] === heard[0] && top[1] > heard[1]) {
    this._heard[channel] = top;
  }
};

/** @returns {Object<string, Position>} for the next connect frame */
Positions.prototype.recover = function () {
  return this._heard;
};

/**
 * @param {string} channel
 * @returns {Position | null}
 */
Positions.prototype._of = function (channel) {
  return own.call(this._heard, channel) ? this._heard[channel] : null;
};
