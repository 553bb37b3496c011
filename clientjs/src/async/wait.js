/**
 * Promises of a state, with a time limit and a signal.
 */
import { SockgateError } from "./errors.js";

/**
 * @typedef {Object} WaitOptions
 * @property {number} [timeout]  in milliseconds; default: no limit
 * @property {AbortSignal} [signal]
 *
 * @typedef {function(any=): void} Settle
 */

/**
 * Wait until a state is reached.
 *
 * @param {import("../base/clock.js").Clock} clock
 * @param {WaitOptions | undefined} options
 * @param {function(Settle, Settle): Array<function(): void>} watch
 *     receives resolve and reject; returns functions that end the watching
 * @returns {Promise<any>}
 */
export function waitFor(clock, options, watch) {
  /** @type {Array<function(): void>} */
  let undo = [];
  /** @type {Promise<any>} */
  const waiting = new Promise((resolve, reject) => {
    undo = [...limits(clock, options || {}, reject), ...watch(resolve, reject)];
  });
  const stop = () => undo.forEach((end) => end());
  waiting.then(stop, stop);
  return waiting;
}

/**
 * @param {import("../base/clock.js").Clock} clock
 * @param {WaitOptions} options
 * @param {Settle} reject
 * @returns {Array<function(): void>}
 */
function limits(clock, { timeout, signal }, reject) {
  const undo = [];
  if (timeout !== undefined) {
    undo.push(
      clock.after(timeout, () => reject(new SockgateError("timeout", `not ready after ${timeout} ms`)))
    );
  }
  if (signal) {
    undo.push(onAbort(signal, () => reject(reasonOf(signal))));
  }
  return undo;
}

/**
 * Call back when a signal aborts, or now if it has aborted.
 *
 * @param {AbortSignal} signal
 * @param {function(): void} callback
 * @returns {function(): void} ends the watching
 */
export function onAbort(signal, callback) {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener("abort", callback);
  return () => signal.removeEventListener("abort", callback);
}

// Browsers before 2022 have no reason.
/** @param {AbortSignal} signal */
function reasonOf(signal) {
  return signal.reason || new SockgateError("aborted", "the signal has aborted");
}
