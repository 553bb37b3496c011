/**
 * Django's CSRF token, from the cookie, which login rotates, or else from the configuration. A form or a meta tag of the page
 * may be a user's.
 */
import { isForOldBrowsers } from "../base/age.js";
import { documentOf } from "../base/globals.js";
import { nothing } from "../base/own.js";

/** @typedef {import("../core/settings.js").Settings} Settings */

/**
 * The header with the CSRF token. There is none for another origin, which must not learn the
 * token.
 *
 * @param {string} url  of the request
 * @param {Settings} settings
 * @param {any} page  a window
 * @returns {Object<string, string>}
 */
export function csrfHeaders(url, settings, page) {
  /** @type {Object<string, string>} */
  const headers = {};
  const token = cookie(settings.csrfCookieName, documentOf(page, "cookie")) || settings.csrfToken;
  if (token && isOwnOrigin(url, page.document.location)) {
    headers[settings.csrfHeaderName] = token;
  }
  return headers;
}

/**
 * POST with the CSRF token. Login rotates the token, so a request may carry the new cookie beside
 * a header with the old token. Django refuses it with 403, and it is sent once more.
 *
 * @param {string} url
 * @param {string} body
 * @param {Settings} settings
 * @param {any} page  a window
 * @param {typeof import("./post.js").post} post
 * @param {function(number, string): void} callback  receives the status and the body
 * @returns {function(): void} aborts the request
 */
export function postWithToken(url, body, settings, page, post, callback) {
  const name = settings.csrfHeaderName;
  const headers = csrfHeaders(url, settings, page);
  let abort = nothing;
  abort = post(url, body, headers, (status, text) => {
    const present = csrfHeaders(url, settings, page);
    if (status !== 403 || present[name] === headers[name]) {
      return callback(status, text);
    }
    abort = post(url, body, present, callback);
  });
  return () => {
    abort();
  };
}

/**
 * @param {string | null} name  null: scripts cannot read the cookie
 * @param {string} cookies  as in document.cookie
 * @returns {string}
 */
export function cookie(name, cookies) {
  const value = name && ("; " + cookies).split("; " + name + "=")[1];
  return value ? decodeURIComponent(value.split(";")[0]) : "";
}

/**
 * @param {string} url
 * @param {{protocol: string, host: string, origin?: string}} location
 * @returns {boolean}
 */
export function isOwnOrigin(url, location) {
  if (!isForOldBrowsers) {
    return new URL(url, "" + location).origin === location.origin;
  }
  const origin = location.protocol + "//" + location.host;
  const isPath = !/^([a-z][a-z0-9+.-]*:|[\\/]{2})/i.test(url);
  return isPath || url === origin || url.indexOf(origin + "/") === 0;
}
