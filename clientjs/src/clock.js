/**
 * Time: what it is, and later. Replaced in tests.
 */

/** @constructor */
export function Clock() {}

/** @returns {number} Unix milliseconds */
Clock.prototype.now = function () {
  return new Date().getTime();
};

/**
 * Call back once, after a while.
 *
 * @param {number} ms
 * @param {function(): void} callback
 * @returns {function(): void} call it off
 */
Clock.prototype.after = function (ms, callback) {
  var timer = setTimeout(callback, ms);
  return function () {
    clearTimeout(timer);
  };
};
