/**
 * Connection tokens: the first one in the page, then those of Django's token endpoint or of the
 * page's own function. A token is reused until most of its lifetime is over, so that a restart of
 * the gateway causes no requests to Django. Tokens are never logged.
 */
import { ask, freshUntil } from "./answers.js";
import { nothing } from "../base/own.js";

/**
 * @typedef {{token: string, expires_in?: number, url?: string}} Answer  of the token endpoint
 *
 * @typedef {Object} Failure
 * @property {number} code  HTTP status; 0: no response; 200: one without a token
 * @property {string} reason
 * @property {boolean} [isFinal]  another request would be useless
 * @property {boolean} [isExpected]  no warning is due
 *
 * @typedef {function(string, string, function(number, string): void): (function(): void)} Post
 *     POSTs a body to a URL, and calls back with status and body; returns a function that aborts
 */

// Django also answers 403 to a request with a wrong CSRF token.
/** Statuses after which another request would be useless. @type {Object<number, string>} */
const REASONS = { 401: "not signed in", 403: "forbidden" };

export class TokenSource {
  /**
   * @param {import("../core/settings.js").Settings} settings
   * @param {{now: function(): number}} clock
   * @param {Post} post
   */
  constructor(settings, clock, post) {
    this.url = settings.url;
    this._settings = settings;
    this._clock = clock;
    this._post = post;
    this._abort = nothing;
    this._request = 0;
    this._token = "";
    this._freshUntil = 0;
    this._mustLogIn = settings.loginRequired;
    if (settings.token) {
      this._keep({ token: settings.token, expires_in: settings.expiresIn || undefined });
    }
  }

  /**
   * Get a token: the stored one while it is fresh, else a new one.
   *
   * @param {function(Failure | null, string=): void} callback  not called after `cancel`
   */
  get(callback) {
    if (this._token && this._clock.now() < this._freshUntil) {
      return callback(null, this._token);
    }
    this._fetch(callback);
  }

  /** Forget a token that was refused. */
  drop() {
    this._token = "";
  }

  /** @returns {boolean} there is a source of new tokens */
  canFetch() {
    return !!(this._settings.getToken || this._settings.tokenUrl);
  }

  /** Abort the request under way, if any. */
  cancel() {
    this._request += 1;
    this._abort();
    this._abort = nothing;
  }

  /** @param {function(Failure | null, string=): void} callback */
  _fetch(callback) {
    this.cancel();
    const request = this._request;
    this._start((failure, answer) => {
      if (request !== this._request) {
        return;
      }
      this._abort = nothing;
      callback(failure, failure ? undefined : this._keep(/** @type {Answer} */ (answer)));
    });
  }

  /** @param {function(Failure | null, Answer=): void} callback */
  _start(callback) {
    const settings = this._settings;
    if (!settings.getToken && this._mustLogIn) {
      // The page may log in later, and connect again.
      this._mustLogIn = false;
      callback({ code: 401, reason: REASONS[401], isFinal: true, isExpected: true });
    } else if (this.canFetch()) {
      this._abort = ask(settings.getToken, this._post, settings.tokenUrl, "", "token", (code) => REASONS[code], callback);
    } else {
      callback({ code: 0, reason: "no token", isFinal: true });
    }
  }

  /**
   * @param {Answer} answer
   * @returns {string}
   */
  _keep(answer) {
    this._token = answer.token;
    this._freshUntil = freshUntil(answer, this._clock);
    if (answer.url && !this._settings.isUrlFixed) {
      this.url = answer.url;
    }
    return answer.token;
  }
}
