/**
 * One page's connection: its state, its socket and its timers. states.js has the table of what
 * each state does on each event.
 */
import { isPublication, readFrame } from "../wire/frames.js";
import { Liveness } from "./liveness.js";
import { nothing } from "../base/own.js";
import { DEADLINES_MS, TIMED_OUT, TRANSITIONS, publicState } from "./states.js";

/**
 * @typedef {Object} Listener  the client
 * @property {function(import("../sockgate.js").State, any): void} _enter  receives the public state and its detail
 * @property {function(any): void} _receive  a publication
 * @property {function(any): void} _handle  a frame about a channel, or a response to a request
 * @property {function(any): void} _refreshed  receives the frame
 * @property {function(number): void} _measured  receives the round trip in ms
 *
 * @typedef {Pick<import("../transports/opener.js").Opener,
 *     "open" | "greetingMs" | "accepted" | "unanswered">} OpenerLike
 *
 * @typedef {Object} Parts
 * @property {OpenerLike} opener
 * @property {import("../credentials/token.js").TokenSource} tokens
 * @property {import("../wire/positions.js").Positions} positions
 * @property {import("../wire/requests.js").Requests} requests
 * @property {import("../channels/subscriptions.js").Subscriptions} subscriptions
 * @property {import("../base/events.js").Events} events
 * @property {import("./backoff.js").Backoff} backoff
 * @property {import("../base/online.js").Network} network
 * @property {import("../base/clock.js").Clock} clock
 * @property {function(): number} random
 * @property {import("../wire/refusals.js").Refusals} refusals
 * @property {boolean} [autoConnect]  false: not before `rt.connect()`
 * @property {function(string): void} log
 * @property {function(string): void} warn
 */

export class Connection {
  /**
   * @param {Parts} parts
   * @param {Listener} listener
   */
  constructor(parts, listener) {
    this.parts = parts;
    this.listener = listener;
    this.state = "closed";
    this.wasRefused = false;
    /** Attempts since the page was connected. */
    this.failures = 0;
    this.token = "";
    this.liveness = new Liveness(parts.clock);
    /** Detail of the public states "connected" and "interrupted"; null before the first one. @type {any} */
    this.attachment = null;
    /** @type {import("../wire/socket.js").Socket | null} */
    this.socket = null;
    this._publicState = "closed";
    /** Cancel the timers, by event. @type {Object<string, function(): void>} */
    this._timers = {};
  }

  /**
   * Do what the table says for an event in the current state.
   *
   * @param {string} event  a key in TRANSITIONS
   * @param {any} [detail]
   */
  dispatch(event, detail) {
    const action = TRANSITIONS[this.state][event];
    if (action) {
      action(this, detail);
    }
  }

  /**
   * Enter a state, and call the listener if the public state changes.
   *
   * @param {string} state
   * @param {any} detail  for the page
   * @param {number} [deadlineMs]  default: the one in DEADLINES_MS
   */
  enter(state, detail, deadlineMs) {
    const shown = publicState(state);
    const isChange = shown !== this._publicState;
    this.state = state;
    this._publicState = shown;
    this.setDeadline(deadlineMs === undefined ? DEADLINES_MS[state] : deadlineMs);
    if (isChange) {
      this.parts.log(shown + " " + describe(detail));
      this.listener._enter(shown, detail);
    }
  }

  /** @param {number} [ms]  until the event "timeout"; undefined: never */
  setDeadline(ms) {
    this.dispatchAfter(ms, "timeout", TIMED_OUT);
  }

  /**
   * Dispatch an event later, in place of the same one that was due before.
   *
   * @param {number | undefined} ms  undefined: never
   * @param {string} event
   * @param {any} [detail]
   */
  dispatchAfter(ms, event, detail) {
    const cancel = this._timers[event] || nothing;
    cancel();
    this._timers[event] =
      ms === undefined
        ? nothing
        : this.parts.clock.after(ms, () => {
            this.dispatch(event, detail);
          });
  }

  /** Close the socket, and cancel a token request and timers. */
  release() {
    this.dispatchAfter(undefined, "drained");
    this.dispatchAfter(undefined, "refresh");
    this.parts.tokens.cancel();
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.close();
      this.parts.subscriptions.detach();
    }
  }

  /** Handle the socket's opening. */
  opened() {
    this.dispatch("opened");
  }

  /**
   * Handle the socket's end.
   *
   * @param {import("../wire/socket.js").Close} close
   */
  lost(close) {
    this.dispatch("lost", close);
  }

  /**
   * Handle a frame or a heartbeat.
   *
   * @param {string | null} text  null: a heartbeat
   */
  received(text) {
    this.liveness.received();
    const frame = readFrame(text);
    if (!frame) {
      return;
    }
    const handler = isPublication(frame) ? handlePublication : HANDLERS["on " + frame.type];
    (handler || pass)(this, frame);
  }

  /** Report the round trip of the frame that was answered now. */
  measure() {
    const ms = this.liveness.answered();
    if (ms !== null) {
      this.listener._measured(ms);
    }
  }
}

/** By type of frame. @type {Object<string, function(Connection, any): void>} */
const HANDLERS = {
  "on connected"(connection, frame) {
    connection.dispatch("accepted", frame);
  },
  "on interrupted": dispatchType,
  "on resumed": dispatchType,
  "on refresh": dispatchType,
  "on pong"(connection) {
    connection.measure();
  },
  "on drain"(connection, frame) {
    connection.dispatchAfter(connection.parts.random() * (frame.within || 0) * 1000, "drained");
  },
  "on refreshed"(connection, frame) {
    connection.listener._refreshed(frame);
  },
  // A publication that a request of this page has made, and that it does not receive.
  "on skipped": handlePublication
};

/**
 * @param {Connection} connection
 * @param {any} frame
 */
function dispatchType(connection, frame) {
  connection.dispatch(frame.type);
}

/**
 * @param {Connection} connection
 * @param {import("../wire/frames.js").Frame} frame
 */
function pass(connection, frame) {
  connection.listener._handle(frame);
}

/**
 * @param {Connection} connection
 * @param {import("../wire/frames.js").Frame} frame
 */
function handlePublication(connection, frame) {
  const place = connection.parts.positions.take(frame);
  if (place === "ahead") {
    pass(connection, { type: "gap", channel: frame.channel });
  }
  if (place !== "again" && !frame.type) {
    connection.listener._receive(frame);
  }
}

/**
 * @param {any} detail  of a public state
 * @returns {string}
 */
function describe(detail) {
  return detail.reason ? detail.code + " " + detail.reason : detail.transport || "";
}
