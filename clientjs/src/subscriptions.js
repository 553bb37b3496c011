/**
 * The channels of a page: those that it asked for, again on every connection, until the last
 * subscription lets go or the gateway says no; and what the gateway says of any channel.
 */
import { presenceFrame } from "./frames.js";
import { Holders } from "./holders.js";
import { LOST } from "./requests.js";
import { Subscriber } from "./subscriber.js";
import { Subscription } from "./subscription.js";

/**
 * @typedef {import("./subscriber.js").Link} Link
 *
 * @typedef {Object} SubscribeOptions
 * @property {string | null} [grant]  null: the channel is public
 * @property {import("./frames.js").Position | false} [recover]  begin after this; false: never recover
 *
 * @typedef {Object} Entry
 * @property {Subscriber} subscriber
 * @property {Holders} holders
 * @property {boolean} isForgetful  begins anew on every connection
 */

/**
 * @constructor
 * @param {import("./subscriber.js").SubscriberParts} parts
 */
export function Subscriptions(parts) {
  this.parts = parts;
  /** @type {Object<string, Entry>} */
  this._entries = {};
  /** @type {Link | null} */
  this._link = null;
  /** @type {function(string, any, any): void} */
  this._emitToPage = nothing;
}

/** @param {function(string, any, any): void} emit  is given "subscribed" and so on, the channel, the frame */
Subscriptions.prototype.tell = function (emit) {
  this._emitToPage = emit;
};

/**
 * @param {string} channel
 * @param {SubscribeOptions} options
 * @returns {Subscription}
 */
Subscriptions.prototype.add = function (channel, options) {
  var subscription = new Subscription(channel, this);
  var entry = this._entry(channel) || this._begin(channel, options.recover);
  if (options.grant !== undefined) {
    this.parts.grants.keep(channel, { grant: options.grant });
  }
  entry.holders.add(subscription);
  this._beginLater(entry, subscription);
  return subscription;
};

/** @param {Subscription} subscription */
Subscriptions.prototype.remove = function (subscription) {
  var entry = this._entry(subscription.channel);
  subscription.state = "unsubscribed";
  if (!entry) {
    return;
  }
  entry.holders.remove(subscription);
  if (entry.holders.isEmpty()) {
    delete this._entries[keyOf(subscription.channel)];
    this._leave(entry.subscriber);
  }
};

/**
 * @param {string} channel
 * @returns {boolean} it is not given without asking
 */
Subscriptions.prototype.asksFor = function (channel) {
  var entry = this._entry(channel);
  return !!entry && !entry.subscriber.isGiven;
};

/**
 * Ask who is in a channel.
 *
 * @param {string} channel
 * @param {import("./requests.js").Answered} callback
 */
Subscriptions.prototype.presence = function (channel, callback) {
  if (this._link) {
    this._link.send(presenceFrame(channel, this.parts.requests.open(callback)));
  } else {
    this.parts.clock.after(0, function () {
      callback(LOST);
    });
  }
};

/**
 * There is a connection.
 *
 * @param {Link} link
 * @param {Object<string, any>} channels  that are heard without asking
 */
Subscriptions.prototype.begin = function (link, channels) {
  this._link = link;
  for (var channel in channels) {
    if (isOwn(channels, channel)) {
      this.enter(channel, channels[channel] || {});
    }
  }
  for (var key in this._entries) {
    // A handler may have ended the connection, or a subscription.
    if (this._link === link && isOwn(this._entries, key)) {
      this._entries[key].subscriber.begin(link);
    }
  }
};

/** The connection is lost. */
Subscriptions.prototype.rest = function () {
  this._link = null;
  for (var key in this._entries) {
    if (isOwn(this._entries, key)) {
      rest(this._entries[key], this.parts.positions);
    }
  }
  this.parts.requests.fail();
};

/**
 * A channel is heard without asking.
 *
 * @param {string} channel
 * @param {any} told  of it
 */
Subscriptions.prototype.enter = function (channel, told) {
  var entry = this._entry(channel);
  if (entry && this._link) {
    entry.subscriber.give(this._link, told);
  } else {
    this._meet(channel, told);
  }
};

/**
 * A channel was refused, or taken away.
 *
 * @param {string} channel
 * @param {any} why
 */
Subscriptions.prototype.end = function (channel, why) {
  var entry = this._entry(channel);
  this.parts.positions.forget(channel);
  this.parts.grants.drop(channel);
  delete this._entries[keyOf(channel)];
  if (entry) {
    entry.subscriber.rest();
    entry.holders.mark("unsubscribed");
    entry.holders.emit("unsubscribed", channel, why);
  }
  this._emitToPage("unsubscribed", channel, why);
};

/**
 * Emit what is said of a channel, to those who hold it and to the page.
 *
 * @param {string} event
 * @param {string} channel
 * @param {any} frame
 */
Subscriptions.prototype.emit = function (event, channel, frame) {
  this.emitToHolders(channel, event, channel, frame);
  this._emitToPage(event, channel, frame);
};

/**
 * @param {string} channel
 * @param {string} event
 * @param {any} first
 * @param {any} second
 */
Subscriptions.prototype.emitToHolders = function (channel, event, first, second) {
  var entry = this._entry(channel);
  if (entry) {
    entry.holders.emit(event, first, second);
  }
};

/** @param {string} channel */
Subscriptions.prototype._entry = function (channel) {
  return this._entries[keyOf(channel)];
};

/**
 * @param {string} channel
 * @param {SubscribeOptions["recover"]} recover
 * @returns {Entry}
 */
Subscriptions.prototype._begin = function (channel, recover) {
  var subscriber = new Subscriber(channel, this.parts, this._listener());
  if (recover) {
    this.parts.positions.put(channel, recover);
  }
  var entry = { subscriber: subscriber, holders: new Holders(), isForgetful: recover === false };
  this._entries[keyOf(channel)] = entry;
  return entry;
};

// The page needs the time to add handlers.
/**
 * @param {Entry} entry
 * @param {Subscription} subscription
 */
Subscriptions.prototype._beginLater = function (entry, subscription) {
  var self = this;
  this.parts.clock.after(0, function () {
    var channel = subscription.channel;
    var isAwaited = self._entry(channel) === entry && subscription.state === "subscribing";
    if (isAwaited && entry.subscriber.isSubscribed) {
      subscription.state = "subscribed";
      subscription.emit("subscribed", channel, { type: "subscribed", channel: channel });
    } else if (isAwaited && self._link) {
      entry.subscriber.begin(self._link);
    }
  });
};

/** @param {Subscriber} subscriber */
Subscriptions.prototype._leave = function (subscriber) {
  if (!subscriber.isGiven) {
    this.parts.positions.forget(subscriber.channel);
    subscriber.leave();
  }
};

/** @returns {import("./subscriber.js").SubscriberListener} */
Subscriptions.prototype._listener = function () {
  var self = this;
  return {
    subscribed: function (channel, frame) {
      /** @type {Entry} */ (self._entry(channel)).holders.mark("subscribed");
      self._meet(channel, frame);
    },
    refused: function (channel, refusal) {
      self.end(channel, refusal);
    }
  };
};

/**
 * @param {string} channel
 * @param {any} told  a frame, or what the welcome says
 */
Subscriptions.prototype._meet = function (channel, told) {
  var isWhole = this.parts.positions.meet(channel, told);
  if (told.type || this._entry(channel)) {
    var frame = { type: "subscribed", channel: channel, recovered: told.recovered };
    this.emit("subscribed", channel, told.type ? told : frame);
  }
  if (!isWhole) {
    this.emit("gap", channel, { type: "gap", channel: channel });
  }
};

/**
 * @param {Entry} entry
 * @param {import("./positions.js").Positions} positions
 */
function rest(entry, positions) {
  entry.subscriber.rest();
  entry.holders.mark("subscribing");
  if (entry.isForgetful) {
    positions.forget(entry.subscriber.channel);
  }
}

/**
 * @param {Object<string, any>} object
 * @param {string} key
 */
function isOwn(object, key) {
  return Object.prototype.hasOwnProperty.call(object, key);
}

/** @param {string} channel */
function keyOf(channel) {
  return "$" + channel;
}

function nothing() {}
