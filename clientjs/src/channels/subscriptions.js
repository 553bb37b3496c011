/**
 * All channels of a page: those to which it has subscribed, and those that the gateway subscribes
 * without a request (server-side).
 *
 * Strategy: each channel of the page has one `Subscriber`, which subscribes again on every connection
 * until its last subscription ends or the gateway rejects it. A rejected channel is requested again
 * when the fingerprint of the user's rights changes: the right may have been granted, or the user
 * may be another one.
 *
 * Grants are requested while the connection opens. Channels whose grant is at hand are requested right
 * behind the `connect` frame, in its round trip, and all others when the gateway has accepted.
 */
import { ChannelEvents } from "./channelevents.js";
import { each, keyOf } from "../base/own.js";
import { Subscriber } from "./subscriber.js";

/**
 * @typedef {import("../wire/requests.js").Link} Link
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {new (channel: string, owner: Subscriptions) => Subscription} SubscriptionClass
 * @typedef {import("../sockgate.js").SubscribeOptions} SubscribeOptions
 *
 * @typedef {Object} SubscriptionsParts
 * @property {import("../credentials/grants.js").GrantSource} grantSource
 * @property {import("../wire/positions.js").Positions} positions
 * @property {import("../wire/requests.js").Requests} requests
 * @property {import("../base/events.js").Events} events
 * @property {import("../wire/refusals.js").Refusals} refusals
 * @property {import("../base/clock.js").Clock} clock
 * @property {function(): import("../core/backoff.js").Backoff} makeBackoff
 * @property {SubscriptionClass} Subscription
 */

/** The gateway keeps 64 frames before it has accepted. */
const MAX_EARLY_REQUESTS = 50;

export class Subscriptions {
  /**
   * @param {SubscriptionsParts} parts
   */
  constructor(parts) {
    this.parts = parts;
    this.events = new ChannelEvents(this);
    /** By channel. @type {Object<string, Subscriber>} */
    this._subscribers = {};
    /** @type {Link | null} */
    this._link = null;
    this._isAccepted = false;
    this._earlyRequests = 0;
    /** @type {string | undefined} */
    this._rights = undefined;
  }

  /**
   * @param {string} channel
   * @returns {Subscriber | undefined}
   */
  of(channel) {
    return this._subscribers[keyOf(channel)];
  }

  // Calls of the page.

  /**
   * Add a subscription. The channel is requested when the page's handlers are in place.
   *
   * @param {string} channel
   * @param {SubscribeOptions} options
   * @returns {Subscription}
   */
  add(channel, options) {
    const subscription = new this.parts.Subscription(channel, this);
    const known = this.of(channel);
    const subscriber = known || new Subscriber(channel, this);
    this._subscribers[keyOf(channel)] = subscriber;
    if (!known || subscriber.isRejected) {
      subscriber.start(options.recover);
    }
    if (options.grant !== undefined) {
      this.parts.grantSource.keep(channel, { grant: options.grant });
    }
    subscriber.add(subscription);
    this.parts.clock.after(0, () => {
      const isWanted = this.of(channel) === subscriber && subscription.state === "subscribing";
      if (isWanted && subscriber.isSubscribed) {
        this.events.joined(subscription);
      } else if (isWanted) {
        this._request(subscriber);
      }
    });
    return subscription;
  }

  /**
   * Remove a subscription. The last one of a channel unsubscribes from it.
   *
   * @param {Subscription} subscription
   */
  remove(subscription) {
    const channel = subscription.channel;
    const subscriber = this.of(channel);
    subscription.state = "unsubscribed";
    if (subscriber && subscriber.leave(subscription)) {
      delete this._subscribers[keyOf(channel)];
      this.parts.grantSource.drop(channel);
      subscriber.unsubscribe();
    }
  }

  /**
   * @param {string} channel
   * @returns {boolean} the page subscribes to the channel, and the gateway does not do so by itself
   */
  isRequested(channel) {
    const subscriber = this.of(channel);
    return !!subscriber && subscriber.isOnRequest();
  }

  // Changes of the connection.

  /** Request the grants that the next connection needs. */
  prefetch() {
    const grants = this.parts.grantSource;
    each(this._subscribers, (_, subscriber) => {
      if (subscriber.isOnRequest()) {
        grants.prefetch(subscriber.channel);
      }
    });
  }

  /**
   * Subscribe right behind the `connect` frame, where the grant is at hand.
   *
   * @param {Link} link
   */
  begin(link) {
    this._link = link;
    this._earlyRequests = 0;
    each(this._subscribers, (_, subscriber) => {
      this._request(subscriber);
    });
  }

  /**
   * Subscribe on a new connection, which the gateway has accepted.
   *
   * @param {Link} link
   * @param {Object<string, any>} channels  subscribed server-side
   * @param {string} [rights]  fingerprint of the user's rights
   */
  attach(link, channels, rights) {
    this._link = link;
    this._isAccepted = true;
    this.parts.requests.attach(link);
    let within = 0;
    each(channels, (channel, info) => {
      this.confirm(channel, info || {});
      within = (info || {}).within;
    });
    this.refresh(rights, within);
  }

  /**
   * Subscribe to each channel that is not subscribed. Rejected channels are included when the user's
   * rights have changed.
   *
   * @param {string} [rights]  fingerprint of the user's rights
   * @param {number} [within]  seconds in which to ask Django for grants
   */
  refresh(rights, within) {
    const link = this._link;
    const haveChanged = rights !== this._rights;
    this._rights = rights;
    each(this._subscribers, (_, subscriber) => {
      if (haveChanged) {
        subscriber.retry();
      }
      // A handler may have ended the connection, or a subscription.
      if (link && this._link === link) {
        this._request(subscriber, within);
      }
    });
  }

  /**
   * Request a channel, now if that is possible, else on acceptance.
   *
   * @param {Subscriber} subscriber
   * @param {number} [within]  seconds in which to ask Django for its grant
   */
  _request(subscriber, within) {
    const link = this._link;
    if (link && !subscriber.isRejected && (this._isAccepted || this._mayRequestEarly(subscriber))) {
      subscriber.subscribe(link, within);
    }
  }

  /** @param {Subscriber} subscriber */
  _mayRequestEarly(subscriber) {
    if (!subscriber.isOnRequest() || !this.parts.grantSource.isAtHand(subscriber.channel)) {
      return false;
    }
    this._earlyRequests += 1;
    return this._earlyRequests <= MAX_EARLY_REQUESTS;
  }

  /** Record that the connection is lost. */
  detach() {
    this._link = null;
    this._isAccepted = false;
    each(this._subscribers, (_, subscriber) => {
      subscriber.detach();
    });
    this.parts.requests.detach();
  }

  // Decisions of the gateway.

  /**
   * Record that the gateway has subscribed this connection without a request.
   *
   * @param {string} channel
   * @param {any} info  a frame, or the channel's entry in the `connected` frame
   */
  confirm(channel, info) {
    const subscriber = this.of(channel);
    if (subscriber && this._link) {
      subscriber.retry();
      subscriber.confirm(this._link, info);
    } else {
      this.events.subscribed(channel, info);
    }
  }

  /**
   * Request a channel again that was taken away because the user's rights have changed. Those of many users may have.
   *
   * @param {string} channel
   * @param {any} why
   */
  renew(channel, why) {
    const subscriber = this.of(channel);
    if (subscriber && this._link) {
      this.parts.grantSource.drop(channel);
      subscriber.detach();
      subscriber.subscribe(this._link, why.within);
    } else {
      this.end(channel, why);
    }
  }

  /**
   * Record that a channel was rejected or taken away.
   *
   * @param {string} channel
   * @param {any} why
   * @returns {boolean} the page has a handler for it
   */
  end(channel, why) {
    const subscriber = this.of(channel);
    this.parts.positions.forget(channel);
    this.parts.grantSource.drop(channel);
    if (subscriber) {
      subscriber.reject();
    }
    return this.events.unsubscribed(channel, why);
  }

  /**
   * Record that the gateway or Django has refused a channel.
   *
   * @param {string} channel
   * @param {import("../wire/requests.js").Refusal} refusal
   */
  fail(channel, refusal) {
    if (!this.end(channel, refusal)) {
      this.events.refused(channel, refusal);
    }
  }
}
