/**
 * A race between ways to connect, with the interface of sockjs-client.
 *
 * Strategy: the next way starts when one has failed, or when the last one has not opened for a while;
 * proxies that swallow a handshake or hold a stream back say nothing. A slow way goes on meanwhile,
 * because the network may just be slow. The first one that opens wins, and all others are closed.
 */
import { SockJSCode } from "../wire/closecodes.js";
import { nothing, without } from "../base/own.js";
import { closeSilently } from "../wire/socket.js";
import { NEVER_OPEN } from "./raw.js";

/**
 * @typedef {import("./ways.js").Way} Way
 * @typedef {import("../wire/socket.js").SockJSLike} SockJSLike
 * @typedef {import("../wire/socket.js").Close} Close
 *
 * @typedef {Object} RaceParts
 * @property {import("../base/clock.js").Clock} clock
 * @property {number} patienceMs  wait until the next way starts
 * @property {boolean} isProven  the first way has worked on this page: another one starts only when it
 *     is silent, not when it fails, because the gateway may be about to restart
 * @property {function(Way, function(Close | null, (function(): SockJSLike)=): void): void} prepare
 *     calls back with a failure, or with a function that opens a way
 *
 * @typedef {{way: Way, isOver: boolean, socket: SockJSLike | null}} Runner
 */

export class Race {
  /**
   * @param {Way[]} ways  in their order
   * @param {RaceParts} parts
   */
  constructor(ways, parts) {
    this.transport = "";
    /** @type {string | null | undefined} */
    this.secret = null;
    /** @type {import("./ways.js").WayName | ""} */
    this.way = "";
    /** @type {((event: any) => void) | null} */
    this.onopen = null;
    /** @type {((event: any) => void) | null} */
    this.onmessage = null;
    /** @type {((event: any) => void) | null} */
    this.onclose = null;
    /** @type {((event: any) => void) | null} */
    this.onheartbeat = null;
    /** To a WebSocket. @type {import("./move.js").Move | null} */
    this.move = null;
    this._parts = parts;
    this._ways = ways.slice(0);
    this._isFirst = true;
    /** @type {Runner[]} */
    this._runners = [];
    this._cancelTimer = nothing;
    if (ways.length) {
      this._startNext();
    } else {
      this._end({ code: SockJSCode.ALL_TRANSPORTS_FAILED, reason: "No transport is allowed" });
    }
  }

  /** @param {string} text */
  send(text) {
    (this.move || this.socket()).send(text);
  }

  /** @returns {SockJSLike} the one that has won */
  socket() {
    return /** @type {SockJSLike} */ (this._runners[0].socket);
  }

  /** Close every way. */
  close() {
    this._cancelTimer();
    if (this.move) {
      this.move.close();
    }
    this._closeAllBut(null);
  }

  _startNext() {
    this._cancelTimer();
    const way = /** @type {Way} */ (this._ways.shift());
    if (this._ways.length) {
      this._cancelTimer = this._parts.clock.after(way.patienceMs || this._parts.patienceMs, () => {
        this._startLate();
      });
    }
    this._start(way);
  }

  // Where the raw WebSocket is swallowed, SockJS's would be, too.
  _startLate() {
    this._isFirst = false;
    if (this._ways[0].name === "websocket") {
      this._ways.shift();
    }
    if (this._ways.length) {
      this._startNext();
    }
  }

  /** @param {Way} way */
  _start(way) {
    /** @type {Runner} */
    const runner = { way, isOver: false, socket: null };
    this._runners.push(runner);
    this._parts.prepare(way, (failure, open) => {
      if (!runner.isOver) {
        this._open(runner, failure, open);
      }
    });
  }

  /**
   * @param {Runner} runner
   * @param {Close | null} failure
   * @param {function(): SockJSLike} [open]
   */
  _open(runner, failure, open) {
    try {
      runner.socket = open ? open() : null;
    } catch (/** @type {any} */ error) {
      failure = { code: 0, reason: error.message };
    }
    if (!runner.socket) {
      return this._lose(runner, /** @type {Close} */ (failure));
    }
    runner.socket.onopen = (event) => {
      this._win(runner, event);
    };
    runner.socket.onclose = (event) => {
      this._lose(runner, runner.way.name === "raw" ? NEVER_OPEN : event);
    };
  }

  /**
   * @param {Runner} runner
   * @param {any} event
   */
  _win(runner, event) {
    const socket = /** @type {SockJSLike} */ (runner.socket);
    this._cancelTimer();
    this._closeAllBut(runner);
    this.way = runner.way.name;
    this.transport = socket.transport || "";
    this.secret = socket.secret;
    socket.onmessage = this.onmessage;
    socket.onheartbeat = this.onheartbeat;
    socket.onclose = this.onclose;
    if (this.onopen) {
      this.onopen(event);
    }
  }

  /**
   * @param {Runner} runner
   * @param {Close} close
   */
  _lose(runner, close) {
    this._remove(runner);
    // Where SockJS does not even receive the gateway's list of transports, no way can open.
    const isUnreachable = close.code === SockJSCode.CANNOT_CONNECT && runner.way.name !== "raw";
    const isDecided = close.code >= 3000 || isUnreachable;
    if (isDecided) {
      this._closeAllBut(null);
    }
    if (isDecided || (this._parts.isProven && this._isFirst)) {
      this._ways = [];
      this._cancelTimer();
    }
    if (this._ways.length) {
      this._startNext();
    } else if (!this._runners.length) {
      this._end(close);
    }
  }

  /** @param {Runner} runner */
  _remove(runner) {
    runner.isOver = true;
    this._runners = without(this._runners, runner);
  }

  /** @param {Runner | null} winner */
  _closeAllBut(winner) {
    const runners = this._runners;
    this._runners = winner ? [winner] : [];
    for (let i = 0; i < runners.length; i++) {
      if (runners[i] !== winner) {
        closeRunner(runners[i]);
      }
    }
  }

  // The owner sets its handlers after the constructor has returned.
  /** @param {Close} close */
  _end(close) {
    this._cancelTimer = this._parts.clock.after(0, () => {
      if (this.onclose) {
        this.onclose(close);
      }
    });
  }
}

/** @param {Runner} runner */
function closeRunner(runner) {
  const socket = runner.socket;
  runner.isOver = true;
  if (socket) {
    closeSilently(socket);
  }
}
