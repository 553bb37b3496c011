/**
 * Scripts of their own, which are loaded when a page needs them: SockJS, and the connection for all tabs.
 */
import { isForOldBrowsers } from "../base/age.js";
import { SockJSCode } from "../wire/closecodes.js";
import { documentOf, globalOf } from "../base/globals.js";
import { nonceOf } from "../base/orders.js";
import { trustedUrl } from "../base/trusted.js";

/**
 * @typedef {import("../wire/socket.js").SockJSLike} SockJSLike
 *
 * @typedef {function(string, string[]): SockJSLike} OpenSockJS  opens a URL with these transports
 *
 * @typedef {function(string, any, function(OpenSockJS | null): void): void} LoadSockJS
 *     receives the URL of the script, the page and a callback; null: it cannot be loaded
 */

/** @type {LoadSockJS} */
export function loadSockJS(url, page, callback) {
  loadScript(url, page, "SockgateSockJS", callback);
}

/** Transports that the script at `sockjsUrl` leaves out. */
const OLD_TRANSPORTS = /xdr|iframe|htmlfile|jsonp/;

// The gateway's script also has the transports of browsers without WebSocket, and completes IE8.
/**
 * @param {string} url  of the gateway
 * @param {import("../core/settings.js").Settings} settings
 * @param {any} page  a window
 * @returns {string} URL of SockJS's script
 */
export function scriptUrlOf(url, settings, page) {
  const isOwn = page.WebSocket && !OLD_TRANSPORTS.test("" + settings.transports);
  return (isOwn && settings.sockjsUrl) || url.replace(/\/+$/, "") + "/sockjs.js";
}

/**
 * @param {string} scriptUrl
 * @param {import("../core/settings.js").Settings} settings
 * @returns {import("../wire/socket.js").Close} the failure of an attempt without the script
 */
export function unloadable(scriptUrl, settings) {
  // The gateway's own script is missing where the gateway is.
  const isOwn = scriptUrl === settings.sockjsUrl;
  const code = isOwn ? SockJSCode.ALL_TRANSPORTS_FAILED : SockJSCode.CANNOT_CONNECT;
  return { code, reason: "Cannot load " + scriptUrl };
}

/**
 * Load a script, unless it was loaded before.
 *
 * @param {string | null | undefined} url
 * @param {any} page
 * @param {string} name  of the global that it defines
 * @param {function(any): void} callback  receives the global; null: the script cannot be loaded
 */
export function loadScript(url, page, name, callback) {
  if (globalOf(page, name) || !url) {
    return finish();
  }
  /** @type {any} */
  let script;
  try {
    script = documentOf(page, "createElement").call(page.document, "script");
    script.onload = script.onerror = loaded;
    if (isForOldBrowsers) {
      script.onreadystatechange = loaded;
    }
    script.nonce = nonceOf(page);
    script.src = trustedUrl(page, url);
    (isForOldBrowsers ? headOf(page) : documentOf(page, "head")).appendChild(script);
  } catch (error) {
    // No document, or the page's policy has no `trusted-types sockgate`.
    finish();
  }

  function loaded() {
    // Only IE8 has a readyState.
    if (!isForOldBrowsers || !script.readyState || /loaded|complete/.test(script.readyState)) {
      if (isForOldBrowsers) {
        script.onload = script.onerror = script.onreadystatechange = null;
      }
      finish();
    }
  }

  function finish() {
    callback(globalOf(page, name) || null);
  }
}

/** @param {any} page */
function headOf(page) {
  // IE8 has no `document.head`.
  return documentOf(page, "head") || page.document.getElementsByTagName("head")[0];
}
