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

export class Socket {
  /**
   * @param {SockJSLike} sockjs
   * @param {SocketListener} listener
   */
  constructor(sockjs, listener) {
    this._sockjs = sockjs;
    sockjs.onopen = () => {
      listener.opened();
    };
    sockjs.onmessage = (event) => {
      listener.received(event.data);
    };
    sockjs.onheartbeat = () => {
      listener.received(null);
    };
    sockjs.onclose = (event) => {
      listener.lost({ code: event.code, reason: event.reason || "" });
    };
  }

  /** @returns {string} SockJS's name of the transport in use */
  transport() {
    return this._sockjs.transport || "";
  }

  /** @param {string} text  a frame */
  send(text) {
    const secret = this._sockjs.secret;
    this._sockjs.send(secret && this.transport() !== "websocket" ? withSecret(text, secret) : text);
  }

  /** Close, and stop calling the listener. */
  close() {
    closeSilently(this._sockjs);
  }
}

/**
 * Close, and call no handler any more.
 *
 * @param {SockJSLike} sockjs
 */
export function closeSilently(sockjs) {
  sockjs.onopen = sockjs.onmessage = sockjs.onheartbeat = sockjs.onclose = null;
  sockjs.close();
}

// Over HTTP, a frame carries the secret of its session (secrets.js).
/**
 * @param {string} text  a JSON object with at least one member
 * @param {string} secret
 */
function withSecret(text, secret) {
  return text.slice(0, -1) + ',"secret":"' + secret + '"}';
}
