/**
 * Where tokens come from: the page, then Django's token endpoint, or the page's own function.
 * A token is shown again until most of its life is over, so that the clients of a gateway that
 * restarts never reach Django. It is never logged.
 */

/**
 * @typedef {{token: string, expires_in?: number, url?: string}} Answer  of the token endpoint
 *
 * @typedef {Object} Failure
 * @property {number} code  HTTP status, 0 when there was no answer
 * @property {string} reason
 * @property {boolean} isFinal  there is no use in asking again
 *
 * @typedef {function(string, string, function(number, string): void): (function(): void)} Ask
 *     POSTs a body to a URL, gives the status and the answer; returns what calls it off
 */

// The rest is left for the way to the gateway, and for clocks that run differently.
var USED_SHARE = 0.9;

// Django's own answer to a request whose CSRF token it does not take is 403.
/** Answers after which there is no use in asking again. @type {Object<number, string>} */
var REASONS = { 401: "not signed in", 403: "forbidden" };

/**
 * @constructor
 * @param {import("./settings.js").Settings} settings
 * @param {{now: function(): number}} clock
 * @param {Ask} ask
 */
export function TokenSource(settings, clock, ask) {
  this.url = settings.url;
  this._settings = settings;
  this._clock = clock;
  this._ask = ask;
  this._abort = nothing;
  this._request = 0;
  this._token = "";
  this._freshUntil = 0;
  if (settings.token) {
    this._keep({ token: settings.token, expires_in: settings.expiresIn || undefined });
  }
}

/**
 * Give a token: the one at hand, else a fresh one.
 *
 * @param {function(Failure | null, string=): void} callback  not called any more after `cancel`
 */
TokenSource.prototype.get = function (callback) {
  if (this._token && this._clock.now() < this._freshUntil) {
    return callback(null, this._token);
  }
  this._fetch(callback);
};

/** Forget the token: it was refused. */
TokenSource.prototype.drop = function () {
  this._token = "";
};

/** @returns {boolean} a fresh one can be had */
TokenSource.prototype.canFetch = function () {
  return !!(this._settings.getToken || this._settings.tokenUrl);
};

/** Let go of a request under way. */
TokenSource.prototype.cancel = function () {
  this._request += 1;
  this._abort();
  this._abort = nothing;
};

/** @param {function(Failure | null, string=): void} callback */
TokenSource.prototype._fetch = function (callback) {
  var self = this;
  this.cancel();
  var request = this._request;
  this._start(function (failure, answer) {
    if (request !== self._request) {
      return;
    }
    self._abort = nothing;
    callback(failure, failure ? undefined : self._keep(/** @type {Answer} */ (answer)));
  });
};

/** @param {function(Failure | null, Answer=): void} callback */
TokenSource.prototype._start = function (callback) {
  if (this._settings.getToken) {
    this._settings.getToken(function (error, answer) {
      callback.apply(null, error ? [failureOf(error)] : readAnswer(answer));
    });
  } else if (this._settings.tokenUrl) {
    this._abort = this._ask(this._settings.tokenUrl, "", function (status, body) {
      callback.apply(null, status === 200 ? readBody(body) : [failureOf({ status: status })]);
    });
  } else {
    callback({ code: 0, reason: "no token", isFinal: true });
  }
};

/**
 * @param {Answer} answer
 * @returns {string}
 */
TokenSource.prototype._keep = function (answer) {
  var lifeMs = (answer.expires_in || 0) * 1000 * USED_SHARE;
  this._token = answer.token;
  this._freshUntil = answer.expires_in ? this._clock.now() + lifeMs : Infinity;
  if (answer.url && !this._settings.isUrlFixed) {
    this.url = answer.url;
  }
  return answer.token;
};

/**
 * @param {string} body
 * @returns {[Failure] | [null, Answer]}
 */
function readBody(body) {
  try {
    return readAnswer(JSON.parse(body));
  } catch (error) {
    return readAnswer(null);
  }
}

/**
 * @param {any} answer  a token, or what Django's endpoint gives
 * @returns {[Failure] | [null, Answer]}
 */
function readAnswer(answer) {
  var fields = typeof answer === "string" ? { token: answer } : answer;
  if (fields && typeof fields.token === "string" && fields.token) {
    return [null, fields];
  }
  return [{ code: 0, reason: "the answer holds no token", isFinal: false }];
}

/**
 * @param {{status?: number}} error
 * @returns {Failure}
 */
function failureOf(error) {
  var status = error.status || 0;
  var reason = REASONS[status];
  return { code: status, reason: reason || "no token now", isFinal: !!reason };
}

function nothing() {}
