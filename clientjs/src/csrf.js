/**
 * Django's CSRF token, from the first place that has it: the cookie (which login rotates), the
 * configuration, a meta tag, a form.
 */

import { isForOldBrowsers } from "./age.js";

/** @typedef {import("./settings.js").Settings} Settings */

/**
 * The header with the CSRF token. There is none for another origin, which must not learn the
 * token.
 *
 * @param {string} url  of the request
 * @param {Settings} settings
 * @param {Document} document
 * @returns {Object<string, string>}
 */
export function csrfHeaders(url, settings, document) {
  /** @type {Object<string, string>} */
  var headers = {};
  var token = isOwnOrigin(url, document.location) ? csrfToken(settings, document) : "";
  if (token) {
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
 * @param {Document} document
 * @param {typeof import("./post.js").post} post
 * @param {function(number, string): void} callback  receives the status and the body
 * @returns {function(): void} aborts the request
 */
export function postWithToken(url, body, settings, document, post, callback) {
  var name = settings.csrfHeaderName;
  var headers = csrfHeaders(url, settings, document);
  var abort = post(url, body, headers, function (status, text) {
    var present = csrfHeaders(url, settings, document);
    if (status !== 403 || present[name] === headers[name]) {
      return callback(status, text);
    }
    abort = post(url, body, present, callback);
  });
  return function () {
    abort();
  };
}

/**
 * @param {Settings} settings
 * @param {Document} document
 * @returns {string} empty: there is none
 */
function csrfToken(settings, document) {
  return (
    cookie(settings.csrfCookieName, document.cookie) ||
    settings.csrfToken ||
    attribute(document, "meta", "csrf-token", "content") ||
    attribute(document, "input", "csrfmiddlewaretoken", "value")
  );
}

/**
 * @param {string | null} name  null: scripts cannot read the cookie
 * @param {string} cookies  as in document.cookie
 * @returns {string}
 */
export function cookie(name, cookies) {
  var value = name && ("; " + cookies).split("; " + name + "=")[1];
  return value ? decodeURIComponent(value.split(";")[0]) : "";
}

/**
 * @param {Document} document
 * @param {string} tag
 * @param {string} name
 * @param {string} wanted
 * @returns {string}
 */
function attribute(document, tag, name, wanted) {
  if (!isForOldBrowsers) {
    /** @type {any} */
    var element = document.querySelector(tag + "[name=" + name + "]");
    return element ? element[wanted] : "";
  }
  var elements = document.getElementsByTagName(tag);
  for (var i = 0; i < elements.length; i++) {
    if (elements[i].getAttribute("name") === name) {
      return elements[i].getAttribute(wanted) || "";
    }
  }
  return "";
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
  var origin = location.protocol + "//" + location.host;
  var isPath = !/^([a-z][a-z0-9+.-]*:|[\\/]{2})/i.test(url);
  return isPath || url === origin || url.indexOf(origin + "/") === 0;
}
