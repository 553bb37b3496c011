/**
 * The current time and timers. Tests use a fake.
 */
import { isForOldBrowsers } from "./age.js";


/** @constructor */
export function Clock() {}

/**
 * Only differences are meaningful. The computer's clock may be set while the page is open, so a
 * monotonic clock is used where there is one (High Resolution Time, section 5).
 *
 * @returns {number} milliseconds
 */
Clock.prototype.now = function () {
  if (!isForOldBrowsers) {
    return performance.now();
  }
  var timer = typeof window === "object" && window.performance;
  return timer && timer.now ? timer.now() : new Date().getTime();
};

/**
 * Call back once.
 *
 * @param {number} ms
 * @param {function(): void} callback
 * @returns {function(): void} cancels the call
 */
Clock.prototype.after = function (ms, callback) {
  var timer = setTimeout(callback, ms);
  return function () {
    clearTimeout(timer);
  };
};
