/**
 * What gives tokens and grants: the page's own function, else an endpoint of Django.
 */
import { nothing, parsed } from "../base/own.js";

// The rest of the lifetime allows for the way to the gateway, and for clocks that differ.
const USED_SHARE = 0.9;

/**
 * Request a token or a grant.
 *
 * @param {(function(function(any, any=): void): void) | undefined} own  the page's function
 * @param {import("./token.js").Post} post
 * @param {string | null} url  of the endpoint; unused with a function
 * @param {string} body
 * @param {string} name  of the text in the answer, which may be that text alone
 * @param {function(number): string | undefined} whyFinal  receives a status; returns why another request would be useless
 * @param {function(import("./token.js").Failure | null, any=): void} callback  receives a failure, or null and the fields of the
 *     answer. A grant may be null, a token not
 * @returns {function(): void} aborts the request
 */
export function ask(own, post, url, body, name, whyFinal, callback) {
  if (own) {
    own((error, answer) => {
      settle(error ? error.status || 0 : 200, !error && answer);
    });
    return nothing;
  }
  return post(/** @type {string} */ (url), body, (status, text) => {
    settle(status, parsed(text));
  });

  /**
   * @param {number} code
   * @param {any} answer
   */
  function settle(code, answer) {
    const fields = fieldsOf(answer, name);
    const value = fields[name];
    const reason = whyFinal(code);
    if (code === 200 && ((value && typeof value === "string") || (value === null && name === "grant"))) {
      callback(null, fields);
    } else {
      callback({ code, reason: reason || (code === 200 ? "the answer holds no " + name : "no " + name + " now"), isFinal: !!reason });
    }
  }
}

/**
 * @param {any} answer  a string, or an object that has it
 * @param {string} name  of the string in the object
 * @returns {any} an object
 */
function fieldsOf(answer, name) {
  /** @type {any} */
  const fields = {};
  fields[name] = answer;
  return typeof answer === "string" ? fields : answer || {};
}

/**
 * @param {{expires_in?: number}} answer  without an expiry: usable for ever
 * @param {{now: function(): number}} clock
 * @returns {number} the time from which on another answer is needed
 */
export function freshUntil(answer, clock) {
  return clock.now() + (answer.expires_in || Infinity) * 1000 * USED_SHARE;
}
