/**
 * Where grants come from: the page, then Django's grant endpoint, or the page's own function.
 * Each opens one channel, and is shown again until most of its life is over. Never logged.
 */

/**
 * @typedef {{grant: string | null, expires_in?: number}} GrantAnswer  null: the channel is public
 *
 * @typedef {import("./token.js").Failure} Failure
 *
 * @typedef {function(Failure | null, (string | null)=): void} Granted
 */

// The rest is left for the way to the gateway, and for clocks that run differently.
var USED_SHARE = 0.9;
var DEADLINE_MS = 20000;

/**
 * @constructor
 * @param {import("./settings.js").Settings} settings
 * @param {import("./clock.js").Clock} clock
 * @param {import("./token.js").Ask} ask
 */
export function GrantSource(settings, clock, ask) {
  this._settings = settings;
  this._clock = clock;
  this._ask = ask;
  /** @type {Object<string, {grant: string | null, freshUntil: number}>} */
  this._kept = {};
}

/**
 * Give the grant of a channel: the one at hand, else a fresh one.
 *
 * @param {string} channel
 * @param {Granted} callback  is given null where the gateway should be asked without one
 */
GrantSource.prototype.get = function (channel, callback) {
  var kept = this._kept[keyOf(channel)];
  if (kept && this._clock.now() < kept.freshUntil) {
    return callback(null, kept.grant);
  }
  this._fetch(channel, this._firstOf(channel, callback));
};

/**
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
 * Forget a grant: it was refused.
 *
 * @param {string} channel
 */
GrantSource.prototype.drop = function (channel) {
  delete this._kept[keyOf(channel)];
};

/** @returns {boolean} a fresh one can be had */
GrantSource.prototype.canFetch = function () {
  return !!(this._settings.getGrant || this._settings.grantUrl);
};

/**
 * Take what comes first, an answer or the deadline, and keep what it grants.
 *
 * @param {string} channel
 * @param {Granted} callback
 * @returns {function(Failure | null, GrantAnswer=): void}
 */
GrantSource.prototype._firstOf = function (channel, callback) {
  var self = this;
  var isOver = false;
  var callOff = this._clock.after(DEADLINE_MS, function () {
    first({ code: 0, reason: "no answer in time", isFinal: false });
  });
  /**
   * @param {Failure | null} failure
   * @param {GrantAnswer} [answer]
   */
  function first(failure, answer) {
    if (!isOver) {
      isOver = true;
      callOff();
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
  if (this._settings.getGrant) {
    this._settings.getGrant(channel, function (error, answer) {
      callback.apply(null, error ? [failureOf(error.status)] : readAnswer(answer));
    });
  } else if (this._settings.grantUrl) {
    var body = "channel=" + encodeURIComponent(channel);
    this._ask(this._settings.grantUrl, body, function (status, text) {
      callback.apply(null, status === 200 ? readBody(text) : [failureOf(status)]);
    });
  } else {
    callback(null, { grant: null });
  }
};

/**
 * @param {string} text
 * @returns {[Failure] | [null, GrantAnswer]}
 */
function readBody(text) {
  try {
    return readAnswer(JSON.parse(text));
  } catch (error) {
    return readAnswer(undefined);
  }
}

/**
 * @param {any} answer  a grant, or what Django's endpoint gives
 * @returns {[Failure] | [null, GrantAnswer]}
 */
function readAnswer(answer) {
  var fields = typeof answer === "string" ? { grant: answer } : answer;
  if (fields && (fields.grant === null || typeof fields.grant === "string")) {
    return [null, fields];
  }
  return [{ code: 0, reason: "the answer holds no grant", isFinal: false }];
}

/**
 * @param {number} [status]
 * @returns {Failure}
 */
function failureOf(status) {
  var code = status || 0;
  var isFinal = code >= 400 && code < 500 && code !== 408 && code !== 429;
  return { code: code, reason: isFinal ? "not allowed" : "no grant now", isFinal: isFinal };
}

/** @param {string} channel */
function keyOf(channel) {
  return "$" + channel;
}
