/**
 * The page's subscriptions to one channel. They share one subscription at the gateway.
 */
import { without } from "./own.js";

/** @typedef {import("./subscription.js").Subscription} Subscription */

/** @constructor */
export function SubscriptionList() {
  /** @type {Subscription[]} */
  this._items = [];
}

/** @param {Subscription} subscription */
SubscriptionList.prototype.add = function (subscription) {
  this._items = this._items.concat([subscription]);
};

/** @param {Subscription} subscription */
SubscriptionList.prototype.remove = function (subscription) {
  this._items = without(this._items, subscription);
};

/** @returns {boolean} */
SubscriptionList.prototype.isEmpty = function () {
  return !this._items.length;
};

/** @param {import("./subscription.js").SubscriptionState} state */
SubscriptionList.prototype.mark = function (state) {
  for (var i = 0; i < this._items.length; i++) {
    this._items[i].state = state;
  }
};

/**
 * @param {string} event
 * @param {any} first
 * @param {any} second
 * @returns {boolean} there is a handler
 */
SubscriptionList.prototype.emit = function (event, first, second) {
  // A handler may unsubscribe. `add` and `remove` replace the list, so this loop is not affected.
  var items = this._items;
  var isHandled = false;
  for (var i = 0; i < items.length; i++) {
    isHandled = items[i].emit(event, first, second) || isHandled;
  }
  return isHandled;
};
