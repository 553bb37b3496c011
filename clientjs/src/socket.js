/**
 * One SockJS connection. Once closed from here it says nothing more, so that nobody hears of a
 * socket that was given up.
 */

/**
 * @typedef {Object} SockJSLike  what is used of sockjs-client
 * @property {string} [transport]
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
 * @property {function(string | null): void} heard  a frame's text, or null: a heartbeat
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
    listener.heard(event.data);
  };
  sockjs.onheartbeat = function () {
    listener.heard(null);
  };
  sockjs.onclose = function (event) {
    listener.lost({ code: event.code, reason: event.reason || "" });
  };
}

/** @returns {string} the transport in use, as SockJS calls it */
Socket.prototype.transport = function () {
  return this._sockjs.transport || "";
};

/** @param {string} text */
Socket.prototype.send = function (text) {
  this._sockjs.send(text);
};

/** Close, and keep silent. */
Socket.prototype.close = function () {
  var sockjs = this._sockjs;
  sockjs.onopen = sockjs.onmessage = sockjs.onheartbeat = sockjs.onclose = null;
  sockjs.close();
};
