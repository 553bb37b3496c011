/**
 * The gateway's raw WebSocket, with the interface of sockjs-client. Its frames are the same.
 */
import { SockJSCode } from "../closecodes.js";

/** @typedef {import("../socket.js").SockJSLike} SockJSLike */

/**
 * Open a WebSocket. As with sockjs-client, one that has never opened closes with 1002.
 *
 * @param {string} url  of the gateway
 * @param {{WebSocket: typeof WebSocket, document: {location: any}}} page
 * @returns {SockJSLike}
 */
export function openRaw(url, page) {
  var socket = new page.WebSocket(webSocketUrl(url, page.document.location));
  var isOpen = false;
  /** @type {SockJSLike} */
  var raw = {
    transport: "websocket",
    onopen: null,
    onmessage: null,
    onclose: null,
    send: function (text) {
      socket.send(text);
    },
    close: function () {
      socket.close();
    }
  };
  socket.onopen = function (event) {
    isOpen = true;
    call(raw.onopen, event);
  };
  socket.onmessage = function (event) {
    call(raw.onmessage, event);
  };
  socket.onclose = function (event) {
    var failed = { code: SockJSCode.CANNOT_CONNECT, reason: "Cannot connect to server" };
    call(raw.onclose, isOpen ? event : failed);
  };
  return raw;
}

/**
 * @param {string} url  of the gateway: absolute, or relative to the page
 * @param {{protocol: string, host: string, pathname?: string}} location
 * @returns {string}
 */
export function webSocketUrl(url, location) {
  var absolute = url;
  if (/^\/\//.test(url)) {
    absolute = location.protocol + url;
  } else if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    var folder = url.charAt(0) === "/" ? "" : (location.pathname || "/").replace(/[^\/]*$/, "");
    absolute = location.protocol + "//" + location.host + folder + url;
  }
  return absolute.replace(/^http/i, "ws").replace(/\/+$/, "") + "/websocket";
}

/**
 * @param {((event: any) => void) | null} handler
 * @param {any} event
 */
function call(handler, event) {
  if (handler) {
    handler(event);
  }
}
