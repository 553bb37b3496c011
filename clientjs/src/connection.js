/**
 * One page's connection: the state it is in, and what it holds there. What a state does with
 * what happens stands in states.js, as a table.
 */
import { isPublication, readFrame } from "./frames.js";
import { DEADLINES_MS, PUBLIC_STATES, TOO_LATE, TRANSITIONS } from "./states.js";

/**
 * @typedef {Object} Listener
 * @property {function(import("./sockgate.js").State, any): void} state  is told the public state, and its detail
 * @property {function(any): void} publication
 * @property {function(any): void} frame  any other, about a channel or in answer to a request
 * @property {function(any): void} refreshed  is given the frame
 *
 * @typedef {Object} Parts
 * @property {function(string): import("./socket.js").SockJSLike} open  begins a connection
 * @property {import("./token.js").TokenSource} tokens
 * @property {import("./positions.js").Positions} positions
 * @property {import("./subscriptions.js").Subscriptions} subscriptions
 * @property {import("./backoff.js").Backoff} backoff
 * @property {import("./online.js").Network} network
 * @property {import("./clock.js").Clock} clock
 * @property {function(): number} random
 * @property {function(string): void} log
 */

/**
 * @constructor
 * @param {Parts} parts
 * @param {Listener} listener
 */
export function Connection(parts, listener) {
  this.parts = parts;
  this.listener = listener;
  this.state = "closed";
  this.wasRefused = false;
  this.token = "";
  this.heardAt = 0;
  /** What the page is told of it while it lasts. @type {any} */
  this.attachment = {};
  /** @type {import("./socket.js").Socket | null} */
  this.socket = null;
  this._publicState = "closed";
  this._callOffDeadline = nothing;
  this._callOffDrain = nothing;
  this._callOffRenewal = nothing;
}

/**
 * Let something happen.
 *
 * @param {string} event  a column of the table
 * @param {any} [detail]
 */
Connection.prototype.happen = function (event, detail) {
  var action = TRANSITIONS[this.state][event];
  if (action) {
    action(this, detail);
  }
};

/**
 * @param {string} state
 * @param {any} detail  for the page
 * @param {number} [deadlineMs]  instead of the usual one
 */
Connection.prototype.enter = function (state, detail, deadlineMs) {
  var publicState = PUBLIC_STATES[state];
  var isNews = publicState !== this._publicState;
  this.state = state;
  this._publicState = publicState;
  this.expect(deadlineMs === undefined ? DEADLINES_MS[state] : deadlineMs);
  this.parts.log("state " + state);
  if (isNews) {
    this.listener.state(publicState, detail);
  }
};

/** @param {number} [ms] until it is late; undefined: never */
Connection.prototype.expect = function (ms) {
  var self = this;
  this._callOffDeadline();
  this._callOffDeadline = nothing;
  if (ms !== undefined) {
    this._callOffDeadline = this.parts.clock.after(ms, function () {
      self.happen("late", TOO_LATE);
    });
  }
};

/** Let go of the socket and of a token under way. */
Connection.prototype.release = function () {
  this._callOffDrain();
  this._callOffRenewal();
  this._callOffDrain = this._callOffRenewal = nothing;
  this.parts.tokens.cancel();
  var socket = this.socket;
  this.socket = null;
  if (socket) {
    socket.close();
    this.parts.subscriptions.rest();
  }
};

/** The socket is open. */
Connection.prototype.opened = function () {
  this.happen("opened");
};

/** @param {import("./socket.js").Close} close */
Connection.prototype.lost = function (close) {
  this.happen("lost", close);
};

/** @param {string | null} text  null: a heartbeat */
Connection.prototype.heard = function (text) {
  this.heardAt = this.parts.clock.now();
  var frame = text === null ? null : readFrame(text);
  if (!frame) {
    return;
  }
  var take = isPublication(frame) ? takePublication : TAKERS["on " + frame.type];
  (take || pass)(this, frame);
};

/** @param {number} withinS */
Connection.prototype.drain = function (withinS) {
  var self = this;
  this._callOffDrain();
  this._callOffDrain = this.parts.clock.after(this.parts.random() * withinS * 1000, function () {
    self.happen("drained");
  });
};

/** @param {number} ms until a token is fetched for this connection */
Connection.prototype.renewAfter = function (ms) {
  var self = this;
  this._callOffRenewal();
  this._callOffRenewal = this.parts.clock.after(ms, function () {
    self.happen("asked");
  });
};

// What is done with a frame.

/** @type {Object<string, function(Connection, any): void>} */
var TAKERS = {
  "on connected": function (connection, frame) {
    connection.happen("welcomed", frame);
  },
  "on interrupted": function (connection) {
    connection.happen("interrupted");
  },
  "on resumed": function (connection) {
    connection.happen("resumed");
  },
  "on drain": function (connection, frame) {
    connection.drain(frame.within || 0);
  },
  "on refresh": function (connection) {
    connection.happen("asked");
  },
  "on refreshed": function (connection, frame) {
    connection.listener.refreshed(frame);
  }
};

/**
 * @param {Connection} connection
 * @param {import("./frames.js").Frame} frame
 */
function pass(connection, frame) {
  connection.listener.frame(frame);
}

/**
 * @param {Connection} connection
 * @param {import("./frames.js").Frame} frame
 */
function takePublication(connection, frame) {
  var place = connection.parts.positions.take(frame);
  if (place === "ahead") {
    pass(connection, { type: "gap", channel: frame.channel });
  }
  if (place !== "again") {
    connection.listener.publication(frame);
  }
}

function nothing() {}
