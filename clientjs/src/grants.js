/**
 * The grants of channels: one that the page has set or carries in its configuration, else one from
 * Django's grant endpoint or from the page's own function. A grant is reused until most of its
 * lifetime is over. Requests for the same grant share one answer. Grants are never logged.
 */
import { asFields, ask } from "./answers.js";
import { each, keyOf } from "./own.js";


/**
 * @typedef {{grant: string | null, expires_in?: number}} GrantAnswer  null: the channel is public
 *
 * @typedef {import("./token.js").Failure} Failure
 *
 * @typedef {function(Failure | null, (string | null)=, boolean=): void} Granted  the last: others wait, too
 */

// The rest of the lifetime allows for the way to the gateway, and for clocks that differ.
var USED_SHARE = 0.9;
var DEADLINE_MS = 20000;
/** A failure of `prefetch` is the answer for so long; later, the user's rights may be others. */
var FAILURE_MS = 10000;

/**
 * @constructor
 * @param {import("./settings.js").Settings} settings
 * @param {import("./clock.js").Clock} clock
 * @param {import("./token.js").Post} post
 */
export function GrantSource(settings, clock, post) {
  this._settings = settings;
  this._clock = clock;
  this._post = post;
  /** @type {Object<string, {grant: string | null, freshUntil: number}>} */
  this._kept = {};
  /** Callbacks of requests under way. @type {Object<string, Granted[]>} */
  this._waiting = {};
  /** Failures of `prefetch`, for the next `get`. @type {Object<string, {failure: Failure, until: number}>} */
  this._failures = {};
  var self = this;
  each(settings.grants || {}, function (channel, answer) {
    self.keep(channel, answer);
  });
}

/**
 * Get the grant of a channel: the stored one while it is fresh, else a new one.
 *
 * @param {string} channel
 * @param {Granted} callback  receives null where the channel needs no grant
 */
GrantSource.prototype.get = function (channel, callback) {
  var key = keyOf(channel);
  var failed = this._failures[key];
  delete this._failures[key];
  if (this.isAtHand(channel)) {
    callback(null, this._kept[key].grant);
  } else if (failed && this._clock.now() < failed.until) {
    callback(failed.failure);
  } else {
    this._join(channel, callback);
  }
};

/**
 * Request the grant of a channel before it is needed.
 *
 * @param {string} channel
 */
GrantSource.prototype.prefetch = function (channel) {
  var self = this;
  var key = keyOf(channel);
  delete this._failures[key];
  if (!this.isAtHand(channel)) {
    this._join(channel, function (failure, _, isShared) {
      if (failure && !isShared) {
        self._failures[key] = { failure: failure, until: self._clock.now() + FAILURE_MS };
      }
    });
  }
};

/**
 * @param {string} channel
 * @returns {boolean} `get` answers without a request
 */
GrantSource.prototype.isAtHand = function (channel) {
  var kept = this._kept[keyOf(channel)];
  return !!kept && this._clock.now() < kept.freshUntil;
};

/**
 * Store the grant of a channel.
 *
 * @param {string} channel
 * @param {GrantAnswer} answer
 * @returns {string | null} the grant
 */
GrantSource.prototype.keep = function (channel, answer) {
  var lifeMs = (answer.expires_in || Infinity) * 1000 * USED_SHARE;
  this._kept[keyOf(channel)] = { grant: answer.grant, freshUntil: this._clock.now() + lifeMs };
  return answer.grant;
};

/**
 * Forget a grant, or a failure, that is of no use any more.
 *
 * @param {string} channel
 */
GrantSource.prototype.drop = function (channel) {
  delete this._kept[keyOf(channel)];
  delete this._failures[keyOf(channel)];
};

/** @returns {boolean} there is a source of new grants */
GrantSource.prototype.canFetch = function () {
  return !!(this._settings.getGrant || this._settings.grantUrl);
};

/**
 * Wait for the answer to a request: one that is under way, else a new one.
 *
 * @param {string} channel
 * @param {Granted} callback
 */
GrantSource.prototype._join = function (channel, callback) {
  var waiting = this._waiting;
  var key = keyOf(channel);
  if (waiting[key]) {
    waiting[key].push(callback);
    return;
  }
  waiting[key] = [callback];
  this._fetch(channel, this._firstOf(channel, function (failure, grant) {
    var callbacks = waiting[key];
    delete waiting[key];
    for (var i = 0; i < callbacks.length; i++) {
      callbacks[i](failure, grant, callbacks.length > 1);
    }
  }));
};

/**
 * Wrap a callback so that only the first of answer and deadline calls it. Stores the grant.
 *
 * @param {string} channel
 * @param {Granted} callback
 * @returns {function(Failure | null, GrantAnswer=): void}
 */
GrantSource.prototype._firstOf = function (channel, callback) {
  var self = this;
  var isOver = false;
  var cancel = this._clock.after(DEADLINE_MS, function () {
    first({ code: 0, reason: "no answer in time", isFinal: false });
  });
  /**
   * @param {Failure | null} failure
   * @param {GrantAnswer} [answer]
   */
  function first(failure, answer) {
    if (!isOver) {
      isOver = true;
      cancel();
      callback(failure, answer ? self.keep(channel, answer) : undefined);
    }
  }
  return first;
};

/**
 * @param {string} channel
 * @param {function(Failure | null, GrantAnswer=): void} callback
 */
GrantSource.prototype._fetch = function (channel, callback) {
  var settings = this._settings;
  /** @type {any} */
  var getGrant = settings.getGrant;
  if (!this.canFetch()) {
    return callback(null, { grant: null });
  }
  var own =
    getGrant &&
    function (/** @type {function(any, any=): void} */ answered) {
      getGrant(channel, answered);
    };
  var body = "channel=" + encodeURIComponent(channel);
  ask(own, this._post, settings.grantUrl, body, function (status, answer) {
    var fields = asFields(answer, "grant");
    if (status !== 200) {
      callback(failureOf(status));
    } else if (fields && (fields.grant === null || typeof fields.grant === "string")) {
      callback(null, fields);
    } else {
      callback({ code: 0, reason: "the answer holds no grant", isFinal: false });
    }
  });
};

/**
 * @param {number} code
 * @returns {Failure}
 */
function failureOf(code) {
  var isFinal = code >= 400 && code < 500 && code !== 408 && code !== 429;
  return { code: code, reason: isFinal ? "Django answers " + code + ", check AUTHORIZE" : "no grant now", isFinal: isFinal };
}
