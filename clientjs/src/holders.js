/**
 * The subscriptions of a page to one channel: a channel is asked for once, whoever holds it.
 */

/** @typedef {import("./subscription.js").Subscription} Subscription */

/** @constructor */
export function Holders() {
  /** @type {Subscription[]} */
  this._held = [];
}

/** @param {Subscription} subscription */
Holders.prototype.add = function (subscription) {
  this._held = this._held.concat([subscription]);
};

/** @param {Subscription} subscription */
Holders.prototype.remove = function (subscription) {
  var kept = [];
  for (var i = 0; i < this._held.length; i++) {
    if (this._held[i] !== subscription) {
      kept.push(this._held[i]);
    }
  }
  this._held = kept;
};

/** @returns {boolean} */
Holders.prototype.isEmpty = function () {
  return !this._held.length;
};

/** @param {import("./subscription.js").SubscriptionState} state */
Holders.prototype.mark = function (state) {
  for (var i = 0; i < this._held.length; i++) {
    this._held[i].state = state;
  }
};

/**
 * @param {string} event
 * @param {any} first
 * @param {any} second
 */
Holders.prototype.emit = function (event, first, second) {
  // A handler may let go: the list that is being called stays as it is.
  var held = this._held;
  for (var i = 0; i < held.length; i++) {
    held[i].emit(event, first, second);
  }
};
