/**
 * The current time and timers. Tests use a fake.
 */
import { isForOldBrowsers } from "./age.js";

export class Clock {
  /**
   * Only differences are meaningful. The computer's clock may be set while the page is open, so a
   * monotonic clock is used where there is one (High Resolution Time, section 5).
   *
   * @returns {number} milliseconds
   */
  now() {
    if (!isForOldBrowsers) {
      return performance.now();
    }
    const timer = typeof window === "object" && window.performance;
    return timer && timer.now ? timer.now() : new Date().getTime();
  }

  /**
   * Call back once.
   *
   * @param {number} ms
   * @param {function(): void} callback
   * @returns {function(): void} cancels the call
   */
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  }
}
