/**
 * The subscription of this client to one channel: fetches the grant, sends the `subscribe` frame,
 * retries where a retry may help, and subscribes again on each connection.
 *
 * Strategy: each step has the number of an attempt. A callback of an earlier attempt is ignored, so
 * that no step needs to be cancelled.
 */
import { paceOf } from "./closecodes.js";
import { subscribeFrame, unsubscribeFrame } from "./frames.js";

/**
 * @typedef {Object} SubscriberParts
 * @property {import("./grants.js").GrantSource} grants
 * @property {import("./positions.js").Positions} positions
 * @property {import("./requests.js").Requests} requests
 * @property {import("./clock.js").Clock} clock
 * @property {function(): import("./backoff.js").Backoff} makeBackoff
 *
 * @typedef {import("./requests.js").Refusal} Refusal
 * @typedef {import("./requests.js").Link} Link
 *
 * @typedef {Object} SubscriberListener
 * @property {function(string, any): void} subscribed  receives the channel and the frame
 * @property {function(string, Refusal): void} rejected  receives the channel and a final refusal
 */

/** A gateway that answers `unavailable` needs as much time as one that refuses connections. */
var UNAVAILABLE = 503;

/**
 * @constructor
 * @param {string} channel
 * @param {SubscriberParts} parts
 * @param {SubscriberListener} listener
 */
export function Subscriber(channel, parts, listener) {
  this.channel = channel;
  this.isSubscribed = false;
  /** Subscribed by the gateway, without a request. */
  this.isServerSide = false;
  this._parts = parts;
  this._listener = listener;
  this._backoff = parts.makeBackoff();
  /** @type {Link | null} */
  this._link = null;
  this._attempt = 0;
  this._wasRejected = false;
}

/**
 * Subscribe on this connection, unless that is under way or done.
 *
 * @param {Link} link
 */
Subscriber.prototype.subscribe = function (link) {
  if (this._link !== link) {
    this._link = link;
    this.isServerSide = false;
    this._wasRejected = false;
    this._fetchGrant();
  }
};

/**
 * Record that the gateway has subscribed this connection without a request.
 *
 * @param {Link} link
 * @param {any} info  a frame, or the channel's entry in the `connected` frame
 */
Subscriber.prototype.confirm = function (link, info) {
  this._link = link;
  this.isServerSide = true;
  this._succeed(info);
};

/** Record that the channel is not subscribed, and ignore all callbacks under way. */
Subscriber.prototype.detach = function () {
  this._attempt += 1;
  this._link = null;
  this.isSubscribed = false;
};

/** Unsubscribe, or cancel the request under way. */
Subscriber.prototype.unsubscribe = function () {
  var link = this._link;
  this.detach();
  if (link) {
    link.send(unsubscribeFrame(this.channel, this._parts.requests.open(nothing)));
  }
};

/** @param {any} info */
Subscriber.prototype._succeed = function (info) {
  this._attempt += 1;
  this._backoff.reset();
  this.isSubscribed = true;
  this._listener.subscribed(this.channel, info);
};

Subscriber.prototype._fetchGrant = function () {
  this._parts.grants.get(
    this.channel,
    this._ofThisAttempt(function (self, failure, grant) {
      if (!failure) {
        self._request(grant);
      } else if (failure.isFinal) {
        self._fail({ code: "not_allowed", message: failure.reason });
      } else {
        self._retryLater(failure.code);
      }
    })
  );
};

/** @param {string | null} grant */
Subscriber.prototype._request = function (grant) {
  var callback = this._ofThisAttempt(function (self, refusal, frame) {
    if (refusal) {
      self._handleRefusal(refusal);
    } else {
      self._succeed(frame);
    }
  });
  var id = this._parts.requests.open(callback);
  var position = this._parts.positions.of(this.channel);
  /** @type {Link} */ (this._link).send(subscribeFrame(this.channel, grant, position, id));
};

/** @param {Refusal} refusal */
Subscriber.prototype._handleRefusal = function (refusal) {
  if (refusal.code === "unavailable") {
    this._retryLater(UNAVAILABLE);
  } else if (refusal.code !== "not_allowed") {
    this._fail(refusal);
  } else {
    this._replaceGrant(refusal);
  }
};

/** @param {Refusal} refusal */
Subscriber.prototype._replaceGrant = function (refusal) {
  var isFinal = this._wasRejected || !this._parts.grants.canFetch();
  this._wasRejected = true;
  this._parts.grants.drop(this.channel);
  if (isFinal) {
    this._fail(refusal);
  } else {
    this._fetchGrant();
  }
};

/** @param {number} code */
Subscriber.prototype._retryLater = function (code) {
  var ms = this._backoff.next(paceOf(code));
  this._parts.clock.after(
    ms,
    this._ofThisAttempt(function (self) {
      self._fetchGrant();
    })
  );
};

/** @param {Refusal} refusal */
Subscriber.prototype._fail = function (refusal) {
  this.detach();
  this._listener.rejected(this.channel, refusal);
};

/**
 * Start an attempt.
 *
 * @param {function(Subscriber, any, any): void} callback
 * @returns {function(any=, any=): void} the callback, which does nothing after a later attempt
 */
Subscriber.prototype._ofThisAttempt = function (callback) {
  var self = this;
  this._attempt += 1;
  var attempt = this._attempt;
  return function (first, second) {
    if (attempt === self._attempt) {
      callback(self, first, second);
    }
  };
};

function nothing() {}
