/**
 * The channels to which the page has subscribed, by name.
 */
import { each } from "./own.js";
import { SubscriptionList } from "./subscriptionlist.js";

/** Channels that only the gateway subscribes: their names begin so. */
var AUTOMATIC = /^(broadcast$|user:|group:)/;

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

/** @returns {boolean} the page subscribes to the channel, and the gateway does not do so by itself */
Entry.prototype.isRequested = function () {
  return !this.isRejected && !this.subscriber.isServerSide;
};

/** @returns {boolean} only a request subscribes the channel on the next connection */
Entry.prototype.isOnRequest = function () {
  return this.isRequested() && !AUTOMATIC.test(this.subscriber.channel);
};

/**
 * Begin, or begin again after a rejection.
 *
 * @param {import("./frames.js").Recover | false | undefined} recover  false: never recover
 * @param {import("./positions.js").Positions} positions
 */
Entry.prototype.start = function (recover, positions) {
  if (recover) {
    positions.put(this.subscriber.channel, recover);
  }
  this.neverRecovers = recover === false;
  this.retry();
};

/**
 * @param {import("./subscription.js").Subscription} subscription  to remove
 * @returns {boolean} it was the last one
 */
Entry.prototype.leave = function (subscription) {
  this.subscriptions.remove(subscription);
  return this.subscriptions.isEmpty();
};

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

/**
 * Unsubscribe at the gateway, unless it subscribes the channel by itself.
 *
 * @param {import("./positions.js").Positions} positions
 */
Entry.prototype.unsubscribe = function (positions) {
  if (!this.subscriber.isServerSide) {
    positions.forget(this.subscriber.channel);
    this.subscriber.unsubscribe();
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
  each(this._entries, function (_, entry) {
    callback(entry);
  });
};

/** @param {string} channel */
function keyOf(channel) {
  return "$" + channel;
}
