/**
 * The current time and timers. Tests use a fake.
 */

/** @constructor */
export function Clock() {}

/**
 * Only differences are meaningful. The computer's clock may be set while the page is open, so a
 * monotonic clock is used where there is one (High Resolution Time, section 5).
 *
 * @returns {number} milliseconds
 */
Clock.prototype.now = function () {
  var performance = typeof window === "object" && window.performance;
  return performance && performance.now ? performance.now() : new Date().getTime();
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
