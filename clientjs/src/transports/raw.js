/**
 * The gateway's raw WebSocket, with the interface of sockjs-client. Its frames are the same.
 */
import { isForOldBrowsers } from "../base/age.js";
import { SockJSCode } from "../wire/closecodes.js";
import { nothing } from "../base/own.js";

/** @typedef {import("../wire/socket.js").SockJSLike} SockJSLike */

/**
 * How a WebSocket closes that has never opened, as with sockjs-client.
 *
 * @type {import("../wire/socket.js").Close}
 */
export const NEVER_OPEN = { code: SockJSCode.CANNOT_CONNECT, reason: "Cannot connect to server" };

/**
 * Open a WebSocket.
 *
 * @param {string} url  of the gateway
 * @param {{WebSocket: typeof WebSocket, document: {location: any}}} page
 * @returns {SockJSLike}
 */
export function openRaw(url, page) {
  /** @type {any} */
  const socket = new page.WebSocket(webSocketUrl(url, page.document.location));
  socket.transport = "websocket";
  // A close follows. Node.js with `ws` throws where nobody listens.
  socket.onerror = nothing;
  return socket;
}

/**
 * @param {string} url  of the gateway: absolute, or relative to the page
 * @param {{protocol: string, host: string, pathname?: string}} location
 * @returns {string}
 */
export function webSocketUrl(url, location) {
  if (!isForOldBrowsers) {
    return finish(new URL(url, "" + location).href);
  }
  let absolute = url;
  if (/^\/\//.test(url)) {
    absolute = location.protocol + url;
  } else if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    const folder = url.charAt(0) === "/" ? "" : (location.pathname || "/").replace(/[^\/]*$/, "");
    absolute = location.protocol + "//" + location.host + folder + url;
  }
  return finish(absolute);
}

/** @param {string} absolute */
function finish(absolute) {
  return absolute.replace(/^http/i, "ws").replace(/\/+$/, "") + "/websocket";
}
