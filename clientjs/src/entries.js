/**
 * The channels to which the page has subscribed, by name.
 */
import { SubscriptionList } from "./subscriptionlist.js";

/**
 * One channel: its subscription at the gateway, and the page's subscriptions that share it.
 *
 * @constructor
 * @param {import("./subscriber.js").Subscriber} subscriber
 */
export function Entry(subscriber) {
  this.subscriber = subscriber;
  this.subscriptions = new SubscriptionList();
  /** Each connection starts without a position. */
  this.neverRecovers = false;
  /** Rejected or taken away. Not requested again until `retry`. */
  this.isRejected = false;
}

/** Allow a rejected channel to be requested again. */
Entry.prototype.retry = function () {
  if (this.isRejected) {
    this.isRejected = false;
    this.subscriptions.mark("subscribing");
  }
};

/** Record that the channel was rejected or taken away. */
Entry.prototype.reject = function () {
  this.isRejected = true;
  this.subscriber.detach();
  this.subscriptions.mark("unsubscribed");
};

/**
 * Record that the channel is not subscribed until the next request.
 *
 * @param {import("./positions.js").Positions} positions
 */
Entry.prototype.detach = function (positions) {
  this.subscriber.detach();
  this.subscriptions.mark(this.isRejected ? "unsubscribed" : "subscribing");
  if (this.neverRecovers) {
    positions.forget(this.subscriber.channel);
  }
};

/** @constructor */
export function Entries() {
  /** @type {Object<string, Entry>} */
  this._entries = {};
}

/**
 * @param {string} channel
 * @returns {Entry | undefined}
 */
Entries.prototype.of = function (channel) {
  return this._entries[keyOf(channel)];
};

/** @param {Entry} entry */
Entries.prototype.add = function (entry) {
  this._entries[keyOf(entry.subscriber.channel)] = entry;
};

/** @param {Entry} entry */
Entries.prototype.remove = function (entry) {
  delete this._entries[keyOf(entry.subscriber.channel)];
};

/** @param {function(Entry): void} callback  may remove any entry */
Entries.prototype.each = function (callback) {
  for (var key in this._entries) {
    if (Object.prototype.hasOwnProperty.call(this._entries, key)) {
      callback(this._entries[key]);
    }
  }
};

/** @param {string} channel */
function keyOf(channel) {
  return "$" + channel;
}
