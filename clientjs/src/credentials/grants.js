/**
 * The grants of channels: one that the page has set or carries in its configuration, else one from
 * Django's grant endpoint or from the page's own function. A grant is reused until most of its
 * lifetime is over. Requests for the same grant share one answer. Grants are never logged.
 */
import { ask, freshUntil } from "./answers.js";
import { each, keyOf } from "../base/own.js";

/**
 * @typedef {{grant: string | null, expires_in?: number}} GrantAnswer  null: the channel is public
 *
 * @typedef {import("./token.js").Failure} Failure
 *
 * @typedef {function(Failure | null, (string | null)=, boolean=): void} Granted  the last: others wait, too
 *
 * @typedef {{failure: Failure | null, grant?: string | null, until: number}} Kept
 */

const DEADLINE_MS = 20000;
/** How long a failure of `prefetch` is the answer; later, the user's rights may be others. */
const FAILURE_MS = 10000;

export class GrantSource {
  /**
   * @param {import("../core/settings.js").Settings} settings
   * @param {import("../base/clock.js").Clock} clock
   * @param {import("./token.js").Post} post
   */
  constructor(settings, clock, post) {
    this._settings = settings;
    this._clock = clock;
    this._post = post;
    /** Grants, and failures of `prefetch` for the next `get`. @type {Object<string, Kept>} */
    this._kept = {};
    /** Callbacks of requests under way. @type {Object<string, Granted[]>} */
    this._waiting = {};
    each(settings.grants || {}, (channel, answer) => {
      this.keep(channel, answer);
    });
  }

  /**
   * Get the grant of a channel: the stored one while it is fresh, else a new one.
   *
   * @param {string} channel
   * @param {Granted} callback  receives null where the channel needs no grant
   */
  get(channel, callback) {
    const kept = this._freshOf(channel);
    if (!kept) {
      return this._join(channel, callback);
    }
    if (kept.failure) {
      this.drop(channel);
    }
    callback(kept.failure, kept.grant);
  }

  /**
   * Request the grant of a channel before it is needed.
   *
   * @param {string} channel
   */
  prefetch(channel) {
    if (!this.isAtHand(channel)) {
      this.drop(channel);
      this._join(channel, (failure, _, isShared) => {
        if (failure && !isShared) {
          this._kept[keyOf(channel)] = { failure, until: this._clock.now() + FAILURE_MS };
        }
      });
    }
  }

  /**
   * @param {string} channel
   * @returns {boolean} `get` gives a grant without a request
   */
  isAtHand(channel) {
    const kept = this._freshOf(channel);
    return !!kept && !kept.failure;
  }

  /**
   * @param {string} channel
   * @returns {boolean} `get` requests a grant
   */
  mustAsk(channel) {
    return this.canFetch() && !this._freshOf(channel) && !this._waiting[keyOf(channel)];
  }

  /**
   * Store the grant of a channel.
   *
   * @param {string} channel
   * @param {GrantAnswer} answer
   * @returns {string | null} the grant
   */
  keep(channel, answer) {
    this._kept[keyOf(channel)] = { failure: null, grant: answer.grant, until: freshUntil(answer, this._clock) };
    return answer.grant;
  }

  /**
   * Forget a grant, or a failure, that is of no use any more.
   *
   * @param {string} channel
   */
  drop(channel) {
    delete this._kept[keyOf(channel)];
  }

  /** @returns {boolean} there is a source of new grants */
  canFetch() {
    return !!(this._settings.getGrant || this._settings.grantUrl);
  }

  /**
   * Wait for the answer to a request: one that is under way, else a new one.
   *
   * @param {string} channel
   * @param {Granted} callback
   */
  _join(channel, callback) {
    const waiting = this._waiting;
    const key = keyOf(channel);
    let callbacks = waiting[key];
    if (callbacks) {
      callbacks.push(callback);
      return;
    }
    callbacks = waiting[key] = [callback];
    /**
     * Only the first of answer and deadline counts.
     *
     * @param {Failure | null} failure
     * @param {GrantAnswer} [answer]
     */
    const settle = (failure, answer) => {
      if (waiting[key] === callbacks) {
        delete waiting[key];
        cancel();
        const grant = answer && this.keep(channel, answer);
        each(callbacks, (_, granted) => {
          granted(failure, grant, callbacks.length > 1);
        });
      }
    };
    const cancel = this._clock.after(DEADLINE_MS, () => {
      settle({ code: 0, reason: "no answer in time" });
    });
    this._fetch(channel, settle);
  }

  /**
   * @param {string} channel
   * @returns {Kept | false}
   */
  _freshOf(channel) {
    const kept = this._kept[keyOf(channel)];
    return !!kept && this._clock.now() < kept.until && kept;
  }

  /**
   * @param {string} channel
   * @param {function(Failure | null, GrantAnswer=): void} callback
   */
  _fetch(channel, callback) {
    const settings = this._settings;
    /** @type {any} */
    const getGrant = settings.getGrant;
    if (!this.canFetch()) {
      return callback(null, { grant: null });
    }
    const own =
      getGrant &&
      ((/** @type {function(any, any=): void} */ answered) => {
        getGrant(channel, answered);
      });
    const body = "channel=" + encodeURIComponent(channel);
    ask(own, this._post, settings.grantUrl, body, "grant", whyRefused, callback);
  }
}

/**
 * @param {number} code
 * @returns {string | undefined}
 */
function whyRefused(code) {
  return code >= 400 && code < 500 && code !== 408 && code !== 429 ? "Django answers " + code + ", check AUTHORIZE" : undefined;
}
