/**
 * Requests to the gateway that await a response. Each has an id, which the response carries as
 * `reply_to`.
 */
import { presenceFrame, publishFrame } from "./frames.js";
import { each, keyOf } from "../base/own.js";

/**
 * @typedef {{code: string, message: string, revoked?: boolean, within?: number}} Refusal  revoked: a good grant, which was revoked; within: seconds in which to ask Django for another one
 *
 * @typedef {function(Refusal | null, any=): void} ResponseCallback  receives a refusal, or null and the frame
 *
 * @typedef {{send: function(string): void}} Link  a live connection
 */

/** The refusal of a request whose connection was lost. @type {Refusal} */
export const LOST = { code: "not_connected", message: "there is no connection" };

export class Requests {
  /**
   * @param {{after: function(number, function(): void): any}} clock
   */
  constructor(clock) {
    this._clock = clock;
    /** @type {Link | null} */
    this._link = null;
    this._lastId = 0;
    /** @type {Object<string, ResponseCallback>} */
    this._pending = {};
  }

  /** @param {Link} link  the connection for requests from now on */
  attach(link) {
    this._link = link;
  }

  /**
   * Request the presence of a channel, or set what it shows of this page.
   *
   * @param {string} channel
   * @param {ResponseCallback} callback
   * @param {any} [data]  undefined: request the presence; null: show nothing
   */
  presence(channel, callback, data) {
    this._sendNow(presenceFrame(channel, data), callback);
  }

  /**
   * Publish on a channel.
   *
   * @param {string} channel
   * @param {string} event
   * @param {any} data
   * @param {ResponseCallback} callback
   */
  publish(channel, event, data, callback) {
    if (typeof event !== "string") {
      throw new TypeError("an event must be a string");
    }
    this._sendNow(publishFrame(channel, event, data), callback);
  }

  /**
   * Send a request.
   *
   * @param {Link} link
   * @param {any} frame  without an id
   * @param {ResponseCallback} callback
   */
  send(link, frame, callback) {
    this._lastId += 1;
    frame.id = this._lastId;
    this._pending[keyOf(frame.id)] = callback;
    link.send(JSON.stringify(frame));
  }

  /**
   * Match a frame with the request that it answers.
   *
   * @param {any} frame
   * @returns {boolean} false: no request has this id
   */
  settle(frame) {
    const callback = this._pending[keyOf(frame.reply_to)];
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
  }

  /** Fail all pending requests with `LOST`: the connection is lost. */
  detach() {
    const lost = this._pending;
    this._link = null;
    this._pending = {};
    each(lost, (_, callback) => {
      callback(LOST);
    });
  }

  /**
   * Send a request on the present connection. Without one, the callback receives `LOST`.
   *
   * @param {any} frame
   * @param {ResponseCallback} callback
   */
  _sendNow(frame, callback) {
    if (this._link) {
      this.send(this._link, frame, callback);
    } else {
      this._clock.after(0, () => {
        callback(LOST);
      });
    }
  }
}
