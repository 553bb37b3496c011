/**
 * What gives tokens and grants: the page's own function, else an endpoint of Django.
 */

import { nothing } from "./own.js";

/**
 * Request an answer.
 *
 * @param {(function(function(any, any=): void): void) | undefined} own  the page's function
 * @param {import("./token.js").Post} post
 * @param {string | null} url  of the endpoint; unused with a function
 * @param {string} body
 * @param {function(number, any=): void} callback  receives a status (0: no response), and with 200 what
 *     was answered
 * @returns {function(): void} aborts the request
 */
export function ask(own, post, url, body, callback) {
  if (own) {
    own(function (error, answer) {
      if (error) {
        callback(error.status || 0);
      } else {
        callback(200, answer);
      }
    });
    return nothing;
  }
  return post(/** @type {string} */ (url), body, function (status, text) {
    callback(status, status === 200 ? parsed(text) : undefined);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {}
}

/**
 * @param {any} answer  a text, or an object that has it
 * @param {string} name  of the text in the object
 * @returns {any} an object, or what is none
 */
export function asFields(answer, name) {
  /** @type {any} */
  var fields = {};
  fields[name] = answer;
  return typeof answer === "string" ? fields : answer;
}
