/**
 * One channel that the page asked for: fetches the grant, asks the gateway, asks again where
 * that may help, and anew on each connection.
 *
 * Strategy: whatever comes back belongs to an attempt. What belongs to an earlier one comes too
 * late and is ignored, so that nothing needs to be called off.
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
 *
 * @typedef {{send: function(string): void}} Link  a live connection
 *
 * @typedef {Object} SubscriberListener
 * @property {function(string, any): void} subscribed  is given the channel and the frame
 * @property {function(string, Refusal): void} refused  for good
 */

/** A gateway that cannot say now needs the time of one that cannot let us in. */
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
  /** Heard without asking. */
  this.isGiven = false;
  this._parts = parts;
  this._listener = listener;
  this._backoff = parts.makeBackoff();
  /** @type {Link | null} */
  this._link = null;
  this._attempt = 0;
  this._wasRefused = false;
}

/**
 * Ask for the channel on this connection, unless that is under way.
 *
 * @param {Link} link
 */
Subscriber.prototype.begin = function (link) {
  if (this._link !== link) {
    this._link = link;
    this.isGiven = false;
    this._wasRefused = false;
    this._seek();
  }
};

/**
 * The channel is heard on this connection without asking.
 *
 * @param {Link} link
 * @param {any} told  of it
 */
Subscriber.prototype.give = function (link, told) {
  this._link = link;
  this.isGiven = true;
  this._enter(told);
};

/** The connection is lost. */
Subscriber.prototype.rest = function () {
  this._attempt += 1;
  this._link = null;
  this.isSubscribed = false;
};

/** Leave the channel, asked for or heard. */
Subscriber.prototype.leave = function () {
  var link = this._link;
  this.rest();
  if (link) {
    link.send(unsubscribeFrame(this.channel, this._parts.requests.open(nothing)));
  }
};

/** @param {any} told  of the channel, which is heard from now on */
Subscriber.prototype._enter = function (told) {
  this._attempt += 1;
  this._backoff.reset();
  this.isSubscribed = true;
  this._listener.subscribed(this.channel, told);
};

Subscriber.prototype._seek = function () {
  this._parts.grants.get(
    this.channel,
    this._ofThisAttempt(function (self, failure, grant) {
      if (!failure) {
        self._ask(grant);
      } else if (failure.isFinal) {
        self._end({ code: "not_allowed", message: failure.reason });
      } else {
        self._wait(failure.code);
      }
    })
  );
};

/** @param {string | null} grant */
Subscriber.prototype._ask = function (grant) {
  var answered = this._ofThisAttempt(function (self, refusal, frame) {
    if (refusal) {
      self._judge(refusal);
    } else {
      self._enter(frame);
    }
  });
  var id = this._parts.requests.open(answered);
  var position = this._parts.positions.of(this.channel);
  /** @type {Link} */ (this._link).send(subscribeFrame(this.channel, grant, position, id));
};

/** @param {Refusal} refusal */
Subscriber.prototype._judge = function (refusal) {
  if (refusal.code === "unavailable") {
    this._wait(UNAVAILABLE);
  } else if (refusal.code !== "not_allowed") {
    this._end(refusal);
  } else {
    this._replaceGrant(refusal);
  }
};

/** @param {Refusal} refusal */
Subscriber.prototype._replaceGrant = function (refusal) {
  var isHopeless = this._wasRefused || !this._parts.grants.canFetch();
  this._wasRefused = true;
  this._parts.grants.drop(this.channel);
  if (isHopeless) {
    this._end(refusal);
  } else {
    this._seek();
  }
};

/** @param {number} code */
Subscriber.prototype._wait = function (code) {
  var ms = this._backoff.next(paceOf(code));
  this._parts.clock.after(
    ms,
    this._ofThisAttempt(function (self) {
      self._seek();
    })
  );
};

/** @param {Refusal} refusal */
Subscriber.prototype._end = function (refusal) {
  this.rest();
  this._listener.refused(this.channel, refusal);
};

/**
 * @param {function(Subscriber, any, any): void} callback
 * @returns {function(any=, any=): void} the same, until the next attempt
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
