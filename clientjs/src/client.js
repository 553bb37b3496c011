/**
 * What a page holds: handlers by event, and the state of its connection.
 */
import { ChannelFrames } from "./channelframes.js";
import { Connection } from "./connection.js";
import { Events } from "./events.js";
import { messageOf } from "./frames.js";

/** Names that speak of the connection and its channels; no publication may take them. */
/** @type {Object<string, boolean>} */
var RESERVED = {
  "*": true,
  state: true,
  error: true,
  gap: true,
  subscribed: true,
  unsubscribed: true,
  presence: true,
  join: true,
  leave: true
};

/**
 * @constructor
 * @param {import("./connection.js").Parts} parts
 */
export function Client(parts) {
  /** @type {import("./sockgate.js").State} */
  this.state = "connecting";
  /** @type {import("./sockgate.js").Transport | ""} */
  this.transport = "";
  /** @type {string | null} */
  this.user = null;
  this.connection = "";
  /** @type {import("./sockgate.js").StateHandler | null} */
  this.onstate = null;
  this._clock = parts.clock;
  this._events = new Events();
  this._subscriptions = parts.subscriptions;
  this._frames = this._channelFrames();
  this._connection = new Connection(parts, this._listener());
  this._network = parts.network;
  this._stopWatching = nothing;
  this._callOffStart = nothing;
  this.connect();
}

/**
 * Call a handler with each message of an event, or of every event ("*").
 *
 * @param {string} event
 * @param {import("./events.js").Handler} handler  is given the data and the message
 * @returns {Client} itself
 */
Client.prototype.on = function (event, handler) {
  this._events.on(event, handler);
  return this;
};

/**
 * @param {string} event
 * @param {import("./events.js").Handler} [handler]  without it, all of the event's
 * @returns {Client} itself
 */
Client.prototype.off = function (event, handler) {
  this._events.off(event, handler);
  return this;
};

/**
 * Ask for a channel, now and on every later connection.
 *
 * @param {string} channel
 * @param {import("./subscriptions.js").SubscribeOptions} [options]
 * @returns {import("./subscription.js").Subscription}
 */
Client.prototype.subscribe = function (channel, options) {
  if (typeof channel !== "string") {
    throw new TypeError("a channel is a text");
  }
  return this._subscriptions.add(channel, options || {});
};

/**
 * Ask who is in a channel.
 *
 * @param {string} channel
 * @param {import("./requests.js").Answered} callback  is given a refusal, or null and the frame
 */
Client.prototype.presence = function (channel, callback) {
  this._subscriptions.presence(channel, callback);
};

/** Connect again after `close`, or at once while waiting. The page may add handlers first. */
Client.prototype.connect = function () {
  var connection = this._connection;
  this._watchNetwork();
  this._callOffStart();
  this._callOffStart = this._clock.after(0, function () {
    connection.happen("connect");
  });
};

/** Close for good, until `connect`. */
Client.prototype.close = function () {
  this._callOffStart();
  this._stopWatching();
  this._connection.happen("close", { code: 1000, reason: "closed by the page" });
  this.state = "closed";
};

// Only while there is something to connect: the browser's listeners hold the client, and a page of
// one document may make and close many.
Client.prototype._watchNetwork = function () {
  var connection = this._connection;
  this._stopWatching();
  this._stopWatching = this._network.watch({
    offline: function () {
      connection.happen("offline");
    },
    online: function () {
      connection.happen("online");
    },
    wake: function () {
      connection.happen("wake");
    }
  });
};

/** @returns {ChannelFrames} */
Client.prototype._channelFrames = function () {
  var events = this._events;
  /**
   * @param {string} event
   * @param {any} first
   * @param {any} second
   */
  function emit(event, first, second) {
    events.emit(event, first, second);
  }
  this._subscriptions.tell(emit);
  return new ChannelFrames(this._subscriptions, emit);
};

/** @returns {import("./connection.js").Listener} */
Client.prototype._listener = function () {
  var client = this;
  return {
    state: function (state, detail) {
      client._enter(state, detail);
    },
    publication: function (publication) {
      client._deliver(messageOf(publication));
    },
    frame: function (frame) {
      client._frames.take(frame);
    },
    refreshed: function (frame) {
      client.user = frame.user;
      client._subscriptions.refresh(frame.rights);
    }
  };
};

/**
 * @param {import("./sockgate.js").State} state
 * @param {any} detail
 */
Client.prototype._enter = function (state, detail) {
  this.state = state;
  this.transport = detail.transport || "";
  this.connection = detail.connection || "";
  if (state === "connected") {
    this.user = detail.user;
  } else if (state === "closed") {
    this._stopWatching();
  }
  if (this.onstate) {
    this._events.call(this.onstate, state, detail);
  }
  this._events.emit("state", state, detail);
};

/** @param {import("./frames.js").Message} message */
Client.prototype._deliver = function (message) {
  var event = RESERVED[message.event] === true ? "message" : message.event;
  var subscriptions = this._subscriptions;
  this._events.emit(event, message.data, message);
  this._events.emit("*", message.data, message);
  subscriptions.emitToHolders(message.channel, event, message.data, message);
  subscriptions.emitToHolders(message.channel, "*", message.data, message);
};

function nothing() {}
