/**
 * The channels that a page has asked for, by name: who asks the gateway, and who on the page is
 * told.
 */
import { Holders } from "./holders.js";

/**
 * @constructor
 * @param {import("./subscriber.js").Subscriber} subscriber
 */
export function Entry(subscriber) {
  this.subscriber = subscriber;
  this.holders = new Holders();
  /** Begins anew on every connection. */
  this.isForgetful = false;
  /** Refused, or taken away: not asked for until there is a reason to. */
  this.isRefused = false;
}

/** There is a reason to ask again. */
Entry.prototype.retry = function () {
  if (this.isRefused) {
    this.isRefused = false;
    this.holders.mark("subscribing");
  }
};

/** The channel was refused, or taken away. */
Entry.prototype.refuse = function () {
  this.isRefused = true;
  this.subscriber.rest();
  this.holders.mark("unsubscribed");
};

/**
 * The channel is not heard, until it is asked for again.
 *
 * @param {import("./positions.js").Positions} positions
 */
Entry.prototype.rest = function (positions) {
  this.subscriber.rest();
  this.holders.mark(this.isRefused ? "unsubscribed" : "subscribing");
  if (this.isForgetful) {
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

/** @param {function(Entry): void} callback  may remove any */
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
