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
 * @param {function(number, any): void} callback  receives a status (0: no response) and the fields of
 *     the answer, empty where it is not one
 * @returns {function(): void} aborts the request
 */
export function ask(own, post, url, body, name, callback) {
  if (own) {
    own((error, answer) => {
      callback(error ? error.status || 0 : 200, fieldsOf(!error && answer, name));
    });
    return nothing;
  }
  return post(/** @type {string} */ (url), body, (status, text) => {
    callback(status, fieldsOf(parsed(text), name));
  });
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
