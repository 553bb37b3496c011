/**
 * The channels of a page: those that it asked for, again on every connection, until the last
 * subscription lets go or the gateway says no; and what the gateway says of any channel.
 *
 * What was refused is asked for again when the user's rights are called otherwise than before:
 * he may have been given the right, or the page may be another user's by now.
 */
import { Entries, Entry } from "./entries.js";
import { presenceFrame, publishFrame } from "./frames.js";
import { LOST } from "./requests.js";
import { Subscriber } from "./subscriber.js";
import { Subscription } from "./subscription.js";

/**
 * @typedef {import("./subscriber.js").Link} Link
 *
 * @typedef {Object} SubscribeOptions
 * @property {string | null} [grant]  null: the channel is public
 * @property {import("./frames.js").Position | false} [recover]  begin after this; false: never recover
 */

/**
 * @constructor
 * @param {import("./subscriber.js").SubscriberParts} parts
 */
export function Subscriptions(parts) {
  this.parts = parts;
  this._entries = new Entries();
  /** @type {Link | null} */
  this._link = null;
  /** @type {string | undefined} */
  this._rights = undefined;
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
  var entry = this._entries.of(channel);
  if (!entry || entry.isRefused) {
    entry = this._begin(channel, options.recover);
  }
  if (options.grant !== undefined) {
    this.parts.grants.keep(channel, { grant: options.grant });
  }
  entry.holders.add(subscription);
  this._beginLater(entry, subscription);
  return subscription;
};

/** @param {Subscription} subscription */
Subscriptions.prototype.remove = function (subscription) {
  var entry = this._entries.of(subscription.channel);
  subscription.state = "unsubscribed";
  if (!entry) {
    return;
  }
  entry.holders.remove(subscription);
  if (entry.holders.isEmpty()) {
    this._entries.remove(entry);
    this._leave(entry.subscriber);
  }
};

/**
 * @param {string} channel
 * @returns {boolean} it is not given without asking
 */
Subscriptions.prototype.asksFor = function (channel) {
  var entry = this._entries.of(channel);
  return !!entry && !entry.isRefused && !entry.subscriber.isGiven;
};

/**
 * Ask who is in a channel.
 *
 * @param {string} channel
 * @param {import("./requests.js").Answered} callback
 */
Subscriptions.prototype.presence = function (channel, callback) {
  this._ask(callback, function (id) {
    return presenceFrame(channel, id);
  });
};

/**
 * Publish on a channel.
 *
 * @param {string} channel
 * @param {string} event
 * @param {any} data
 * @param {import("./requests.js").Answered} callback
 */
Subscriptions.prototype.publish = function (channel, event, data, callback) {
  if (typeof event !== "string") {
    throw new TypeError("an event is a text");
  }
  this._ask(callback, function (id) {
    return publishFrame(channel, event, data, id);
  });
};

/**
 * @param {import("./requests.js").Answered} callback
 * @param {function(number): string} write  gives the frame with an id
 */
Subscriptions.prototype._ask = function (callback, write) {
  if (this._link) {
    this._link.send(write(this.parts.requests.open(callback)));
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
 * @param {string} [rights]  what the user's rights are called
 */
Subscriptions.prototype.begin = function (link, channels, rights) {
  this._link = link;
  for (var channel in channels) {
    if (Object.prototype.hasOwnProperty.call(channels, channel)) {
      this.enter(channel, channels[channel] || {});
    }
  }
  this.refresh(rights);
};

/**
 * Ask for whatever is not heard; for what was refused, too, when the rights are others.
 *
 * @param {string} [rights]  what the user's rights are called
 */
Subscriptions.prototype.refresh = function (rights) {
  var self = this;
  var link = this._link;
  var areOthers = rights !== this._rights;
  this._rights = rights;
  this._entries.each(function (entry) {
    if (areOthers) {
      entry.retry();
    }
    // A handler may have ended the connection, or a subscription.
    if (link && self._link === link && !entry.isRefused) {
      entry.subscriber.begin(link);
    }
  });
};

/** The connection is lost. */
Subscriptions.prototype.rest = function () {
  var positions = this.parts.positions;
  this._link = null;
  this._entries.each(function (entry) {
    entry.rest(positions);
  });
  this.parts.requests.fail();
};

/**
 * A channel is heard without asking.
 *
 * @param {string} channel
 * @param {any} told  of it
 */
Subscriptions.prototype.enter = function (channel, told) {
  var entry = this._entries.of(channel);
  if (entry && this._link) {
    entry.retry();
    entry.subscriber.give(this._link, told);
  } else {
    this._meet(channel, told);
  }
};

/**
 * A channel was taken away for the user's rights are others; Django may grant it again.
 *
 * @param {string} channel
 * @param {any} why
 */
Subscriptions.prototype.renew = function (channel, why) {
  var entry = this._entries.of(channel);
  if (entry && this._link) {
    this.parts.grants.drop(channel);
    entry.rest(this.parts.positions);
    entry.subscriber.begin(this._link);
  } else {
    this.end(channel, why);
  }
};

/**
 * A channel was refused, or taken away.
 *
 * @param {string} channel
 * @param {any} why
 */
Subscriptions.prototype.end = function (channel, why) {
  var entry = this._entries.of(channel);
  this.parts.positions.forget(channel);
  this.parts.grants.drop(channel);
  if (entry) {
    entry.refuse();
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
  var entry = this._entries.of(channel);
  if (entry) {
    entry.holders.emit(event, first, second);
  }
};

/**
 * @param {string} channel
 * @param {SubscribeOptions["recover"]} recover
 * @returns {Entry}
 */
Subscriptions.prototype._begin = function (channel, recover) {
  var entry = this._entries.of(channel);
  if (!entry) {
    entry = new Entry(new Subscriber(channel, this.parts, this._listener()));
    this._entries.add(entry);
  }
  if (recover) {
    this.parts.positions.put(channel, recover);
  }
  entry.isForgetful = recover === false;
  entry.retry();
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
    var isAwaited = self._entries.of(channel) === entry && subscription.state === "subscribing";
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
      /** @type {Entry} */ (self._entries.of(channel)).holders.mark("subscribed");
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
  if (told.type || this._entries.of(channel)) {
    var frame = { type: "subscribed", channel: channel, recovered: told.recovered };
    this.emit("subscribed", channel, told.type ? told : frame);
  }
  if (!isWhole) {
    this.emit("gap", channel, { type: "gap", channel: channel });
  }
};

function nothing() {}
