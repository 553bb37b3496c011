/**
 * All channels of a page: those to which it has subscribed, and those that the gateway subscribes
 * without a request (server-side).
 *
 * Strategy: each channel of the page has one entry, which is subscribed again on every connection
 * until its last subscription ends or the gateway rejects it. A rejected channel is requested again
 * when the fingerprint of the user's rights changes: the right may have been granted, or the user
 * may be another one.
 *
 * Grants are requested while the connection opens. Channels whose grant is at hand are requested right
 * behind the `connect` frame, in its round trip, and all others when the gateway has accepted.
 */
import { ChannelEvents } from "./channelevents.js";
import { Entries, Entry } from "./entries.js";
import { each } from "./own.js";
import { Subscriber } from "./subscriber.js";

/**
 * @typedef {import("./requests.js").Link} Link
 * @typedef {new (channel: string, owner: Subscriptions) => Subscription} SubscriptionClass
 * @typedef {Object} OwnParts
 * @property {import("./events.js").Events} events
 * @property {import("./refusals.js").Refusals} refusals
 * @property {SubscriptionClass} Subscription
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {import("./subscriber.js").SubscriberParts & OwnParts} SubscriptionsParts
 * @typedef {import("./sockgate.js").SubscribeOptions} SubscribeOptions
 */

/** The gateway keeps 64 frames before it has accepted. */
var MAX_EARLY_REQUESTS = 50;

/**
 * @constructor
 * @param {SubscriptionsParts} parts
 */
export function Subscriptions(parts) {
  this.parts = parts;
  this._entries = new Entries();
  this.events = new ChannelEvents(this._entries, parts);
  /** @type {Link | null} */
  this._link = null;
  this._isAccepted = false;
  this._earlyRequests = 0;
  /** @type {string | undefined} */
  this._rights = undefined;
}

// Calls of the page.

/**
 * Add a subscription. The channel is requested when the page's handlers are in place.
 *
 * @param {string} channel
 * @param {SubscribeOptions} options
 * @returns {Subscription}
 */
Subscriptions.prototype.add = function (channel, options) {
  var subscription = new this.parts.Subscription(channel, this);
  var entry = this._entries.of(channel);
  if (!entry || entry.isRejected) {
    entry = this._open(channel, options.recover);
  }
  if (options.grant !== undefined) {
    this.parts.grants.keep(channel, { grant: options.grant });
  }
  entry.subscriptions.add(subscription);
  subscribeLater(this, entry, subscription);
  return subscription;
};

/**
 * Remove a subscription. The last one of a channel unsubscribes from it.
 *
 * @param {Subscription} subscription
 */
Subscriptions.prototype.remove = function (subscription) {
  var entry = this._entries.of(subscription.channel);
  subscription.state = "unsubscribed";
  if (entry && entry.leave(subscription)) {
    this._entries.remove(entry);
    this.parts.grants.drop(subscription.channel);
    entry.unsubscribe(this.parts.positions);
  }
};

/**
 * @param {string} channel
 * @returns {boolean} the page subscribes to the channel, and the gateway does not do so by itself
 */
Subscriptions.prototype.isRequested = function (channel) {
  var entry = this._entries.of(channel);
  return !!entry && entry.isOnRequest();
};

// Changes of the connection.

/** Request the grants that the next connection needs. */
Subscriptions.prototype.prefetch = function () {
  var self = this;
  this._entries.each(function (entry) {
    if (entry.isOnRequest()) {
      self.parts.grants.prefetch(entry.subscriber.channel);
    }
  });
};

/**
 * Subscribe right behind the `connect` frame, where the grant is at hand.
 *
 * @param {Link} link
 */
Subscriptions.prototype.begin = function (link) {
  var self = this;
  this._link = link;
  this._earlyRequests = 0;
  this._entries.each(function (entry) {
    self._request(entry);
  });
};

/**
 * Subscribe on a new connection, which the gateway has accepted.
 *
 * @param {Link} link
 * @param {Object<string, any>} channels  subscribed server-side
 * @param {string} [rights]  fingerprint of the user's rights
 */
Subscriptions.prototype.attach = function (link, channels, rights) {
  var self = this;
  this._link = link;
  this._isAccepted = true;
  this.parts.requests.attach(link);
  each(channels, function (channel, info) {
    self.confirm(channel, info || {});
  });
  this.refresh(rights);
};

/**
 * Subscribe to each channel that is not subscribed. Rejected channels are included when the user's
 * rights have changed.
 *
 * @param {string} [rights]  fingerprint of the user's rights
 */
Subscriptions.prototype.refresh = function (rights) {
  var self = this;
  var link = this._link;
  var haveChanged = rights !== this._rights;
  this._rights = rights;
  this._entries.each(function (entry) {
    if (haveChanged) {
      entry.retry();
    }
    // A handler may have ended the connection, or a subscription.
    if (link && self._link === link) {
      self._request(entry);
    }
  });
};

/**
 * Request a channel, now if that is possible, else on acceptance.
 *
 * @param {Entry} entry
 */
Subscriptions.prototype._request = function (entry) {
  var link = this._link;
  if (!link || entry.isRejected || !(this._isAccepted || this._mayRequestEarly(entry))) {
    return;
  }
  entry.subscriber.subscribe(link);
};

/** @param {Entry} entry */
Subscriptions.prototype._mayRequestEarly = function (entry) {
  if (!entry.isOnRequest() || !this.parts.grants.isAtHand(entry.subscriber.channel)) {
    return false;
  }
  this._earlyRequests += 1;
  return this._earlyRequests <= MAX_EARLY_REQUESTS;
};

/** Record that the connection is lost. */
Subscriptions.prototype.detach = function () {
  var positions = this.parts.positions;
  this._link = null;
  this._isAccepted = false;
  this._entries.each(function (entry) {
    entry.detach(positions);
  });
  this.parts.requests.detach();
};

// Decisions of the gateway.

/**
 * Record that the gateway has subscribed this connection without a request.
 *
 * @param {string} channel
 * @param {any} info  a frame, or the channel's entry in the `connected` frame
 */
Subscriptions.prototype.confirm = function (channel, info) {
  var entry = this._entries.of(channel);
  if (entry && this._link) {
    entry.retry();
    entry.subscriber.confirm(this._link, info);
  } else {
    this.events.subscribed(channel, info);
  }
};

/**
 * Request a channel again that was taken away because the user's rights have changed.
 *
 * @param {string} channel
 * @param {any} why
 */
Subscriptions.prototype.renew = function (channel, why) {
  var entry = this._entries.of(channel);
  if (entry && this._link) {
    this.parts.grants.drop(channel);
    entry.detach(this.parts.positions);
    entry.subscriber.subscribe(this._link);
  } else {
    this.end(channel, why);
  }
};

/**
 * Record that a channel was rejected or taken away.
 *
 * @param {string} channel
 * @param {any} why
 * @returns {boolean} the page has a handler for it
 */
Subscriptions.prototype.end = function (channel, why) {
  var entry = this._entries.of(channel);
  this.parts.positions.forget(channel);
  this.parts.grants.drop(channel);
  if (entry) {
    entry.reject();
  }
  return this.events.unsubscribed(channel, why);
};

/**
 * @param {string} channel
 * @param {SubscribeOptions["recover"]} recover
 * @returns {Entry}
 */
Subscriptions.prototype._open = function (channel, recover) {
  var entry = this._entries.of(channel);
  if (!entry) {
    entry = new Entry(new Subscriber(channel, this.parts, listenerFor(this)));
    this._entries.add(entry);
  }
  entry.start(recover, this.parts.positions);
  return entry;
};

// The page adds its handlers after `rt.subscribe` has returned.
/**
 * @param {Subscriptions} subscriptions
 * @param {Entry} entry
 * @param {Subscription} subscription
 */
function subscribeLater(subscriptions, entry, subscription) {
  subscriptions.parts.clock.after(0, function () {
    var channel = subscription.channel;
    var isWanted =
      subscriptions._entries.of(channel) === entry && subscription.state === "subscribing";
    if (isWanted && entry.subscriber.isSubscribed) {
      subscriptions.events.joined(subscription);
    } else if (isWanted) {
      subscriptions._request(entry);
    }
  });
}

/**
 * @param {Subscriptions} subscriptions
 * @returns {import("./subscriber.js").SubscriberListener}
 */
function listenerFor(subscriptions) {
  return {
    subscribed: function (channel, info) {
      /** @type {Entry} */ (subscriptions._entries.of(channel)).subscriptions.mark("subscribed");
      subscriptions.events.subscribed(channel, info);
    },
    rejected: function (channel, refusal) {
      if (!subscriptions.end(channel, refusal)) {
        subscriptions.events.refused(channel, refusal);
      }
    }
  };
}
