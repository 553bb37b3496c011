/**
 * One connection of the hub to the gateway: opened, accepted, kept alive. It does not reconnect; the tabs do.
 */
import { connectFrame, pingFrame, readFrame } from "../wire/frames.js";
import { Liveness } from "../core/liveness.js";
import { Socket } from "../wire/socket.js";

/**
 * @typedef {import("../wire/socket.js").Close} Close
 *
 * @typedef {Object} LinkParts
 * @property {{open: Function, greetingMs: function(): number, accepted: function(): void, unanswered: function(): boolean}} opener
 * @property {import("../base/clock.js").Clock} clock
 * @property {string} url
 * @property {boolean} isProven  the way that worked last is likely to work
 * @property {string} token
 * @property {Object<string, import("../wire/frames.js").Recover>} recover
 *
 * @typedef {Object} LinkListener
 * @property {function(): void} connecting  the `connect` frame was sent; others may follow
 * @property {function(any, string): void} accepted  receives the `connected` frame and the transport
 * @property {function(string): void} moved  receives another transport, on which the connection goes on
 * @property {function(any, string): void} received  receives another frame and its text
 * @property {function(Close): void} lost
 */

const OPENING_MS = 20000;

/** @type {Close} Tabs come back after it. */
const NO_ANSWER = { code: 1006, reason: "no answer in time" };
const NO_SIGN_OF_LIFE = { code: 3007, reason: "no sign of life" };

export class Link {
  /**
   * @param {LinkParts} parts
   * @param {LinkListener} listener
   */
  constructor(parts, listener) {
    this._parts = parts;
    this._listener = listener;
    this._liveness = new Liveness(parts.clock);
    this._isAccepted = false;
    this._cancelTimer = nothing;
    /** @type {Socket | null} */
    this._socket = null;
    this._open();
  }

  /** @param {string} text  a frame */
  send(text) {
    if (this._socket) {
      this._socket.send(text);
    }
  }

  /** Send a ping unless one is under way. */
  ping() {
    if (this._isAccepted && this._liveness.isPingDue(0)) {
      this._liveness.asked();
      this.send(pingFrame());
      this._check();
    }
  }

  /**
   * @param {number} ms
   * @returns {boolean} whether something has arrived within this time
   */
  hasReceivedWithin(ms) {
    return this._isAccepted && !this._liveness.isPingDue(ms) && !this._liveness.isDead();
  }

  /** Close, and stop calling the listener. */
  close() {
    const socket = this._socket;
    this._socket = null;
    this._cancelTimer();
    if (socket) {
      socket.close();
    }
  }

  _open() {
    const { opener, url, isProven } = this._parts;
    this._setTimer(OPENING_MS, () => this._lose(NO_ANSWER));
    this._socket = new Socket(opener.open(url, isProven), {
      opened: () => (this._isAccepted ? this._move() : this._greet()),
      received: (text) => this._receive(text),
      lost: (close) => this._lose(close)
    });
  }

  _greet() {
    const { opener, token, recover } = this._parts;
    this._setTimer(opener.greetingMs(), () => this._tryNextWay());
    this.send(connectFrame(token, recover));
    this._listener.connecting();
  }

  _move() {
    this._listener.moved(/** @type {Socket} */ (this._socket).transport());
  }

  _tryNextWay() {
    if (this._parts.opener.unanswered()) {
      this.close();
      this._open();
    } else {
      this._lose(NO_ANSWER);
    }
  }

  /** @param {string | null} text  null: a heartbeat */
  _receive(text) {
    this._liveness.received();
    const frame = readFrame(text);
    if (!frame) {
      return;
    }
    if (frame.type === "connected") {
      this._accept(frame);
    } else {
      this._listener.received(frame, /** @type {string} */ (text));
    }
  }

  /** @param {any} frame */
  _accept(frame) {
    this._isAccepted = true;
    this._parts.opener.accepted();
    this._liveness.expectHeartbeats(frame.heartbeat);
    this._check();
    this._listener.accepted(frame, /** @type {Socket} */ (this._socket).transport());
  }

  _check() {
    if (this._liveness.isDead()) {
      return this._lose(NO_SIGN_OF_LIFE);
    }
    if (this._liveness.isPingDue()) {
      this._liveness.asked();
      this.send(pingFrame());
    }
    this._setTimer(this._liveness.nextCheckMs(), () => this._check());
  }

  /** @param {Close} close */
  _lose(close) {
    this.close();
    this._listener.lost(close);
  }

  /**
   * @param {number} ms
   * @param {function(): void} callback
   */
  _setTimer(ms, callback) {
    this._cancelTimer();
    this._cancelTimer = this._parts.clock.after(ms, callback);
  }
}

function nothing() {}
