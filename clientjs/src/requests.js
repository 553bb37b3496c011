/**
 * Requests to the gateway that await a response. Each has an id, which the response carries as
 * `reply_to`.
 */
import { presenceFrame, publishFrame } from "./frames.js";
import { each } from "./own.js";

/**
 * @typedef {{code: string, message: string}} Refusal
 *
 * @typedef {function(Refusal | null, any=): void} ResponseCallback  receives a refusal, or null and the frame
 *
 * @typedef {{send: function(string): void}} Link  a live connection
 */

/** The refusal of a request whose connection was lost. @type {Refusal} */
export var LOST = { code: "not_connected", message: "there is no connection" };

/**
 * @constructor
 * @param {{after: function(number, function(): void): any}} clock
 */
export function Requests(clock) {
  this._clock = clock;
  /** @type {Link | null} */
  this._link = null;
  this._lastId = 0;
  /** @type {Object<string, ResponseCallback>} */
  this._pending = {};
}

/** @param {Link} link  the connection for requests from now on */
Requests.prototype.attach = function (link) {
  this._link = link;
};

/**
 * Request the presence of a channel.
 *
 * @param {string} channel
 * @param {ResponseCallback} callback
 */
Requests.prototype.presence = function (channel, callback) {
  send(this, callback, function (id) {
    return presenceFrame(channel, id);
  });
};

/**
 * Publish on a channel.
 *
 * @param {string} channel
 * @param {string} event
 * @param {any} data
 * @param {ResponseCallback} callback
 */
Requests.prototype.publish = function (channel, event, data, callback) {
  if (typeof event !== "string") {
    throw new TypeError("an event is a text");
  }
  send(this, callback, function (id) {
    return publishFrame(channel, event, data, id);
  });
};

/**
 * @param {ResponseCallback} callback
 * @returns {number} the id of a new request
 */
Requests.prototype.open = function (callback) {
  this._lastId += 1;
  this._pending[keyOf(this._lastId)] = callback;
  return this._lastId;
};

/**
 * Match a frame with the request that it answers.
 *
 * @param {any} frame
 * @returns {boolean} false: no request has this id
 */
Requests.prototype.settle = function (frame) {
  var callback = this._pending[keyOf(frame.reply_to)];
  if (!callback) {
    return false;
  }
  delete this._pending[keyOf(frame.reply_to)];
  if (frame.type === "error") {
    callback(frame);
  } else {
    callback(null, frame);
  }
  return true;
};

/** Fail all pending requests with `LOST`: the connection is lost. */
Requests.prototype.detach = function () {
  var lost = this._pending;
  this._link = null;
  this._pending = {};
  each(lost, function (_, callback) {
    callback(LOST);
  });
};

/**
 * Send a request. Without a connection, the callback receives `LOST`.
 *
 * @param {Requests} requests
 * @param {ResponseCallback} callback
 * @param {function(number): string} write  returns the frame with an id
 */
function send(requests, callback, write) {
  if (requests._link) {
    requests._link.send(write(requests.open(callback)));
  } else {
    requests._clock.after(0, function () {
      callback(LOST);
    });
  }
}

/** @param {any} id */
function keyOf(id) {
  return "$" + id;
}
