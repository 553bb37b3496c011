/**
 * One channel of the page: the `Subscription` objects that the page holds for it, and the one
 * subscription at the gateway that they share. Fetches the grant, sends the `subscribe` frame, retries
 * where a retry may help, and subscribes again on each connection.
 *
 * Strategy: each step has the number of an attempt. A callback of an earlier attempt is ignored, so
 * that no step needs to be cancelled.
 */
import { paceOf } from "../wire/closecodes.js";
import { subscribeFrame, unsubscribeFrame } from "../wire/frames.js";
import { copy, each, nothing, without } from "../base/own.js";

/**
 * @typedef {import("../wire/requests.js").Refusal} Refusal
 * @typedef {import("../wire/requests.js").Link} Link
 * @typedef {import("./subscription.js").Subscription} Subscription
 */

/** Channels that only the gateway subscribes: their names begin so. */
const AUTOMATIC = /^(broadcast$|user:|group:)/;

/** A gateway that answers `unavailable` needs as much time as one that refuses connections. */
const UNAVAILABLE = 503;

/** The widest window of requests to Django: 12,000 pages make 40 a second. */
const LONGEST_MS = 300000;

export class Subscriber {
  /**
   * @param {string} channel
   * @param {import("./subscriptions.js").Subscriptions} owner
   */
  constructor(channel, owner) {
    this.channel = channel;
    this.isSubscribed = false;
    /** Subscribed by the gateway, without a request. */
    this.isServerSide = false;
    /** Rejected or taken away. Not requested again until `retry`. */
    this.isRejected = false;
    /** Each connection starts without a position. */
    this._neverRecovers = false;
    /** @type {Subscription[]} */
    this._subscriptions = [];
    this._owner = owner;
    this._parts = owner.parts;
    this._backoff = owner.parts.makeBackoff();
    /** @type {Link | null} */
    this._link = null;
    this._attempt = 0;
    /** Requests to Django are made at a random moment within this time. */
    this._withinMs = 0;
  }

  // The page's subscriptions.

  /** @param {Subscription} subscription */
  add(subscription) {
    this._subscriptions = this._subscriptions.concat([subscription]);
  }

  /**
   * @param {Subscription} subscription  to remove
   * @returns {boolean} it was the last one
   */
  leave(subscription) {
    this._subscriptions = without(this._subscriptions, subscription);
    return !this._subscriptions.length;
  }

  /**
   * Call the handlers of the page's subscriptions.
   *
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  emit(event, first, second) {
    // A handler may unsubscribe. `add` and `leave` replace the list, so this loop is not affected.
    let isHandled = false;
    each(this._subscriptions, (_, subscription) => {
      isHandled = subscription.emit(event, first, second) || isHandled;
    });
    return isHandled;
  }

  /** @param {import("./subscription.js").SubscriptionState} state */
  _mark(state) {
    each(this._subscriptions, (_, subscription) => {
      subscription.state = state;
    });
  }

  // The subscription at the gateway.

  /** @returns {boolean} only a request subscribes the channel on the next connection */
  isOnRequest() {
    return !this.isRejected && !this.isServerSide && !AUTOMATIC.test(this.channel);
  }

  /**
   * Begin, or begin again after a rejection.
   *
   * @param {import("../wire/frames.js").Recover | false | undefined} recover  false: never recover
   */
  start(recover) {
    if (recover) {
      this._parts.positions.put(this.channel, recover);
    }
    this._neverRecovers = recover === false;
    this.retry();
  }

  /** Allow a rejected channel to be requested again. */
  retry() {
    if (this.isRejected) {
      this.isRejected = false;
      this._mark("subscribing");
    }
  }

  /**
   * Subscribe on this connection, unless that is under way or done.
   *
   * @param {Link} link
   * @param {number} [within]  in seconds: ask Django for a grant at a random moment within this time
   */
  subscribe(link, within) {
    if (this._link !== link) {
      this._link = link;
      /** The refusal of an older grant. @type {any} */
      this._refused = this.isServerSide = false;
      this._fetchWithin(within);
    }
  }

  /**
   * Record that the gateway has subscribed this connection without a request.
   *
   * @param {Link} link
   * @param {any} info  a frame, or the channel's entry in the `connected` frame
   */
  confirm(link, info) {
    this._link = link;
    this.isServerSide = true;
    this._succeed(info);
  }

  /** Record that the channel was rejected or taken away. */
  reject() {
    this.isRejected = true;
    this.detach();
  }

  /** Record that the channel is not subscribed until the next request. */
  detach() {
    this._stop();
    this._mark(this.isRejected ? "unsubscribed" : "subscribing");
    if (this._neverRecovers) {
      this._parts.positions.forget(this.channel);
    }
  }

  /** Unsubscribe, or cancel the request under way, unless the gateway subscribes by itself. */
  unsubscribe() {
    const link = this._link;
    if (this.isServerSide) {
      return;
    }
    this._parts.positions.forget(this.channel);
    this._stop();
    if (link) {
      this._parts.requests.send(link, unsubscribeFrame(this.channel), nothing);
    }
  }

  /** Record that the channel is not subscribed, and ignore all callbacks under way. */
  _stop() {
    this._attempt += 1;
    this._link = null;
    this.isSubscribed = false;
  }

  /** @param {any} info */
  _succeed(info) {
    this._attempt += 1;
    this._backoff.reset();
    this.isSubscribed = true;
    this._mark("subscribed");
    this._owner.events.subscribed(this.channel, info);
  }

  // What many pages are told at once must not make them ask Django at once.
  /** @param {number} [within]  in seconds */
  _fetchWithin(within) {
    this._withinMs = this._parts.grantSource.mustAsk(this.channel) && within ? within * 1000 : 0;
    if (this._withinMs) {
      this._fetchLater(0);
    } else {
      this._fetchGrant();
    }
  }

  _fetchGrant() {
    this._parts.grantSource.get(
      this.channel,
      this._ofThisAttempt((self, failure, grant) => {
        if (!failure) {
          self._request(grant);
        } else if (failure.isFinal) {
          self._fail(copy({ code: "not_allowed", message: failure.reason }, copy(self._refused, {})));
        } else {
          self._retryLater(failure.code);
        }
      })
    );
  }

  /** @param {string | null} grant */
  _request(grant) {
    this._parts.requests.send(
      /** @type {Link} */ (this._link),
      subscribeFrame(this.channel, grant, this._parts.positions.of(this.channel)),
      this._ofThisAttempt((self, refusal, frame) => {
        if (refusal) {
          self._handleRefusal(refusal);
        } else {
          self._succeed(frame);
        }
      })
    );
  }

  /** @param {Refusal} refusal */
  _handleRefusal(refusal) {
    const grants = this._parts.grantSource;
    if (refusal.code === "unavailable") {
      this._retryLater(UNAVAILABLE);
    } else if (refusal.code === "not_allowed" && !this._refused && grants.canFetch()) {
      // The grant may be an old one. A fresh one is tried once.
      grants.drop(this.channel);
      this._refused = refusal;
      this._fetchWithin(refusal.within);
    } else {
      this._fail(refusal);
    }
  }

  /** @param {number} code */
  _retryLater(code) {
    // Those that come again meet those that have not come yet.
    this._withinMs = Math.min(4 * this._withinMs, LONGEST_MS);
    this._fetchLater(this._backoff.next(paceOf(code)));
  }

  /** @param {number} ms  the least wait */
  _fetchLater(ms) {
    this._parts.clock.after(
      ms + Math.random() * this._withinMs,
      this._ofThisAttempt((self) => {
        self._fetchGrant();
      })
    );
  }

  /** @param {Refusal} refusal */
  _fail(refusal) {
    this._owner.fail(this.channel, refusal);
  }

  /**
   * Start an attempt.
   *
   * @param {function(Subscriber, any, any): void} callback
   * @returns {function(any=, any=): void} the callback, which does nothing after a later attempt
   */
  _ofThisAttempt(callback) {
    const attempt = (this._attempt += 1);
    return (first, second) => {
      if (attempt === this._attempt) {
        callback(this, first, second);
      }
    };
  }
}
