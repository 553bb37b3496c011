/**
 * One connection to the gateway, with sockjs-client's interface below. After `close`, the listener is not called any more.
 */

/**
 * @typedef {Object} SockJSLike  the part of sockjs-client that is used here
 * @property {string | null} [transport]
 * @property {string | null} [secret]  of the SockJS session
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {((event: any) => void) | null} [onheartbeat]
 * @property {function(string): void} send
 * @property {function(): void} close
 *
 * @typedef {{new (url: string, protocols: null, options: any): SockJSLike}} SockJSClass
 *
 * @typedef {{code: number, reason: string}} Close
 *
 * @typedef {Object} SocketListener
 * @property {function(): void} opened
 * @property {function(string | null): void} received  a frame's text, or null: a heartbeat
 * @property {function(Close): void} lost
 */

/**
 * @constructor
 * @param {SockJSLike} sockjs
 * @param {SocketListener} listener
 */
export function Socket(sockjs, listener) {
  this._sockjs = sockjs;
  sockjs.onopen = function () {
    listener.opened();
  };
  sockjs.onmessage = function (event) {
    listener.received(event.data);
  };
  sockjs.onheartbeat = function () {
    listener.received(null);
  };
  sockjs.onclose = function (event) {
    listener.lost({ code: event.code, reason: event.reason || "" });
  };
}

/** @returns {string} SockJS's name of the transport in use */
Socket.prototype.transport = function () {
  return this._sockjs.transport || "";
};

/** @param {string} text  a frame */
Socket.prototype.send = function (text) {
  var secret = this._sockjs.secret;
  this._sockjs.send(secret && this.transport() !== "websocket" ? withSecret(text, secret) : text);
};

// Over HTTP, a frame carries the secret of its session (secrets.js).
/**
 * @param {string} text  a JSON object with at least one member
 * @param {string} secret
 */
function withSecret(text, secret) {
  return text.slice(0, -1) + ',"secret":"' + secret + '"}';
}

/** Close, and stop calling the listener. */
Socket.prototype.close = function () {
  var sockjs = this._sockjs;
  sockjs.onopen = sockjs.onmessage = sockjs.onheartbeat = sockjs.onclose = null;
  sockjs.close();
};
