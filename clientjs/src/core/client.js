/**
 * The client that a page holds: handlers by event, and the state of its connection.
 */
import { handleChannelFrame } from "../channels/channelframes.js";
import { Connection } from "./connection.js";
import { listen } from "../base/events.js";
import { CHANNEL, RESERVED } from "../wire/contract.js";
import { messageOf } from "../wire/frames.js";
import { nothing } from "../base/own.js";

export class Client {
  /**
   * @param {import("./connection.js").Parts} parts
   */
  constructor(parts) {
    /** @type {import("../sockgate.js").State} */
    this.state = "closed";
    /** @type {import("../sockgate.js").Transport | ""} */
    this.transport = "";
    /** @type {string | null} */
    this.user = null;
    this._isIdentified = false;
    this.connection = "";
    /** The last round trip in ms. @type {number | null} */
    this.rtt = null;
    /** @type {import("../sockgate.js").OnState | null} */
    this.onstate = null;
    this._parts = parts;
    this._connection = new Connection(parts, this);
    this._stopWatching = nothing;
    this._cancelStart = nothing;
    if (parts.autoConnect !== false) {
      this.connect();
    }
  }

  /**
   * Add a handler for an event, or for every event ("*").
   *
   * @param {string} event
   * @param {import("../base/events.js").Handler} handler  receives the data and the message
   * @returns {this} itself
   */
  on(event, handler) {
    this._parts.events.on(event, handler);
    return this;
  }

  /**
   * Remove a handler.
   *
   * @param {string} event
   * @param {import("../base/events.js").Handler} [handler]  default: all handlers of the event
   * @returns {this} itself
   */
  off(event, handler) {
    this._parts.events.off(event, handler);
    return this;
  }

  /**
   * Subscribe to a channel, now and on every later connection.
   *
   * @param {string} channel
   * @param {import("../channels/subscriptions.js").SubscribeOptions} [options]
   * @returns {import("../channels/subscription.js").Subscription}
   */
  subscribe(channel, options) {
    return this._parts.subscriptions.add(checked(channel), options || {});
  }

  /**
   * Request the presence of a channel.
   *
   * @param {string} channel
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  receives a refusal, or null and the frame; default: as of
   *     a subscription
   */
  presence(channel, callback) {
    this._parts.requests.presence(checked(channel), callback || this._parts.subscriptions.events.report(channel));
  }

  /** Connect again after `close`, or at once while waiting. Handlers may be added after this call. */
  connect() {
    const connection = this._connection;
    this._cancelStart();
    this._stopWatching();
    // The browser's listeners hold the client in memory, so they are removed when it is closed: a
    // single-page application may create and close many clients.
    this._stopWatching = this._parts.network.watch((event) => {
      connection.dispatch(event);
    });
    if (this.state === "closed") {
      this.state = "connecting";
    }
    this._cancelStart = this._parts.clock.after(0, () => {
      connection.dispatch("connect");
    });
  }

  /** Close, until `connect` is called. */
  close() {
    this._cancelStart();
    this._stopWatching();
    const close = { code: 1000, reason: "closed by the page", isExpected: true };
    this._connection.dispatch("close", close);
    // The client has been closed before its first state.
    if (this.state !== "closed") {
      this._enter("closed", close);
    }
  }

  // What the connection calls (connection.js).

  /** @param {any} publication */
  _receive(publication) {
    const message = messageOf(publication);
    const event = RESERVED.test(message.event) ? "message" : message.event;
    const events = this._parts.subscriptions.events;
    this._parts.events.emit(event, message.data, message);
    this._parts.events.emit("*", message.data, message);
    events.emitTo(message.channel, event, message.data, message);
    events.emitTo(message.channel, "*", message.data, message);
  }

  /** @param {any} frame  about a channel, or a response to a request */
  _handle(frame) {
    handleChannelFrame(this._parts, frame);
  }

  /** @param {any} frame */
  _refreshed(frame) {
    this._identify(frame.user);
    this._parts.subscriptions.refresh(frame.rights, frame.within);
  }

  /** @param {number} ms */
  _measured(ms) {
    this.rtt = ms;
  }

  /**
   * Set the user, and emit "user" on a change. The page may show data of the former user.
   *
   * @param {string | null} user  of the connection from now on
   */
  _identify(user) {
    const before = this.user;
    const isChange = this._isIdentified && before !== user;
    this._isIdentified = true;
    this.user = user;
    if (isChange) {
      this._parts.events.emit("user", user, before);
    }
  }

  /**
   * @param {import("../sockgate.js").State} state
   * @param {any} detail
   */
  _enter(state, detail) {
    this.state = state;
    this.transport = detail.transport || "";
    this.connection = detail.connection || "";
    if (state === "connected") {
      this._identify(detail.user);
    } else if (state === "closed") {
      this._stopWatching();
    }
    if (this.onstate) {
      this._parts.events.call(this.onstate, state, detail);
    }
    this._parts.events.emit("state", state, detail);
  }
}

/** Add a handler. Returns a function that removes it. */
Client.prototype.listen = listen;

/**
 * @param {any} channel
 * @returns {string} itself
 * @throws {TypeError} it is not the name of a channel
 */
function checked(channel) {
  if (typeof channel !== "string" || !CHANNEL.test(channel)) {
    throw new TypeError('channel "' + channel + '" is not ' + CHANNEL);
  }
  return channel;
}
