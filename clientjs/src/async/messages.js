/**
 * Messages for a loop: `for await (const message of room.messages())`.
 *
 * Strategy: messages are kept from the call of `messages` on, so that none is lost while the body of
 * the loop awaits. A loop that is too slow ends with an error when the limit is reached.
 */
import { SockgateError } from "./errors.js";

/** Messages that are kept for a slow loop. */
const LIMIT = 1000;

/**
 * @typedef {import("../wire/frames.js").Message} Message
 *
 * @typedef {Object} MessagesOptions
 * @property {AbortSignal} [signal]  ends the loop
 * @property {number} [limit]  number of messages that are kept for a slow loop
 */

/** @implements {AsyncIterableIterator<Message>} */
export class Messages {
  /**
   * @param {MessagesOptions | undefined} options
   * @param {function(Messages): Array<function(): void>} watch
   *     adds messages and ends the loop; returns functions that end the watching
   */
  constructor(options, watch) {
    const { limit = LIMIT } = options || {};
    this._limit = limit;
    /** @type {Message[]} */
    this._kept = [];
    /** Settles a `next` that waits. @type {Array<{resolve: function(any): void, reject: function(any): void}>} */
    this._waiting = [];
    this._isOver = false;
    /** @type {SockgateError | null} */
    this._error = null;
    this._undo = watch(this);
    if (this._isOver) {
      this._stop();
    }
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @param {Message} message */
  add(message) {
    const next = this._waiting.shift();
    if (next) {
      next.resolve({ value: message, done: false });
    } else if (this._kept.length < this._limit) {
      this._kept.push(message);
    } else {
      this.end(new SockgateError("overflow", `the loop is ${this._limit} messages behind`));
    }
  }

  /**
   * End the loop after the messages that are kept.
   *
   * @param {SockgateError | null} error  null: the loop just ends
   */
  end(error) {
    if (this._isOver) {
      return;
    }
    this._isOver = true;
    const [next, ...others] = this._waiting;
    this._waiting = [];
    this._error = next ? null : error;
    this._stop();
    if (next) {
      error ? next.reject(error) : next.resolve(DONE);
    }
    others.forEach(({ resolve }) => resolve(DONE));
  }

  /** @returns {Promise<IteratorResult<Message>>} */
  next() {
    const message = this._kept.shift();
    if (message) {
      return Promise.resolve({ value: message, done: false });
    }
    return this._isOver ? this._last() : this._later();
  }

  /**
   * End the loop at once. A `break` calls this.
   *
   * @returns {Promise<IteratorResult<Message>>}
   */
  return() {
    this._kept = [];
    this.end(null);
    return Promise.resolve(DONE);
  }

  /** @returns {Promise<IteratorResult<Message>>} */
  _later() {
    return new Promise((resolve, reject) => {
      this._waiting.push({ resolve, reject });
    });
  }

  /** @returns {Promise<IteratorResult<Message>>} */
  _last() {
    const error = this._error;
    this._error = null;
    return error ? Promise.reject(error) : Promise.resolve(DONE);
  }

  // `watch` may end the loop before it has returned.
  _stop() {
    const undo = this._undo || [];
    this._undo = [];
    undo.forEach((end) => end());
  }
}

/** @type {{value: undefined, done: true}} */
const DONE = { value: undefined, done: true };
