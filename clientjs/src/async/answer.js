/**
 * The promise of a response to a request.
 */
import { refused } from "./errors.js";

/** @typedef {import("../wire/requests.js").ResponseCallback} ResponseCallback */

/** A promise that records whether somebody awaits it. */
class Answer extends Promise {
  /** `then` returns plain promises. */
  static get [Symbol.species]() {
    return Promise;
  }

  /**
   * @param {any} [onFulfilled]
   * @param {any} [onRejected]
   */
  then(onFulfilled, onRejected) {
    this.isAwaited = true;
    return super.then(onFulfilled, onRejected);
  }
}

/**
 * Send a request.
 *
 * @param {string} channel
 * @param {function(ResponseCallback): void} send
 * @param {import("../channels/channelevents.js").ChannelEvents} events  for refusals that nobody awaits
 * @returns {Promise<any>} rejected with a SockgateError
 */
export function answerTo(channel, send, events) {
  const answer = new Answer((resolve, reject) => {
    send((refusal, frame) => {
      if (!refusal) {
        return resolve(frame);
      }
      if (!answer.isAwaited) {
        events.refused(channel, refusal);
      }
      reject(refused(refusal, channel));
    });
  });
  // Without this, the browser would report an unhandled rejection besides.
  Promise.prototype.then.call(answer, undefined, () => {});
  return answer;
}
