/**
 * When a page fetches itself: once for all that has changed, and at a random moment, because a touch reaches all pages at once.
 *
 * Strategy: a touch asks for a fetch within a window, which grows with the audience. The moment is random in the window, and
 * not before a whole window has passed since the last fetch began. So a page makes one request in a window at most, and N
 * pages spread evenly. More touches before that moment change nothing. One that comes while the fetch runs may be missing in
 * it, so exactly one more fetch follows. A hidden page waits until it is seen, except where content must vanish.
 */

/** Fetches of one page are at least so far apart. */
export const MIN_SPACING_MS = 300;
const MAX_RETRY_MS = 60000;

/**
 * @typedef {Object} Surroundings
 * @property {function(): number} now  in ms
 * @property {function(): number} random  from 0 to 1
 * @property {function(function(): void, number): any} setTimeout
 * @property {function(any): void} clearTimeout
 * @property {function(): boolean} isHidden
 */

export class Schedule {
  /**
   * @param {function(): Promise<number | null>} run  fetches; gives null, or after how many ms to try again (0: as this class decides)
   * @param {Surroundings} around
   */
  constructor(run, around) {
    this._run = run;
    this._around = around;
    /** @type {any} */
    this._timer = null;
    this._dueMs = 0;
    this._startedMs = -Infinity;
    this._isRunning = false;
    /** A fetch is needed as soon as the page is seen. */
    this._isWaiting = false;
    /** The window of what was asked for while a fetch runs. @type {number | null} */
    this._againMs = null;
    this._isUrgent = false;
    this._failures = 0;
  }

  /**
   * Fetch within a window.
   *
   * @param {number} windowMs
   * @param {boolean} [isUrgent]  content must vanish: at once, also in a hidden page
   */
  request(windowMs, isUrgent = false) {
    this._isUrgent = this._isUrgent || isUrgent;
    if (this._isRunning) {
      this._againMs = windowMs;
    } else if (this._isUrgent) {
      this._at(this._around.now());
    } else if (this._around.isHidden()) {
      this._isWaiting = true;
    } else {
      this._within(windowMs);
    }
  }

  /** The page is seen. */
  seen() {
    if (this._isWaiting) {
      this._isWaiting = false;
      this.request(0);
    }
  }

  stop() {
    this._around.clearTimeout(this._timer);
    this._timer = null;
  }

  /** @param {number} windowMs */
  _within(windowMs) {
    const { now, random } = this._around;
    // A later request must not choose again: the earliest of many random moments is no random one.
    if (this._timer !== null && this._dueMs <= now() + windowMs) {
      return;
    }
    const earliestMs = this._startedMs + Math.max(windowMs, MIN_SPACING_MS);
    this._at(Math.max(now() + random() * windowMs, earliestMs));
  }

  /** @param {number} dueMs */
  _at(dueMs) {
    this.stop();
    this._dueMs = dueMs;
    this._timer = this._around.setTimeout(() => this._begin(), Math.max(0, dueMs - this._around.now()));
  }

  _begin() {
    this._timer = null;
    if (this._around.isHidden() && !this._isUrgent) {
      this._isWaiting = true;
      return;
    }
    this._startedMs = this._around.now();
    this._isRunning = true;
    this._isWaiting = this._isUrgent = false;
    this._run().then(
      (retryMs) => this._finish(retryMs),
      (error) => {
        this._finish(null);
        throw error;
      }
    );
  }

  /** @param {number | null} retryMs */
  _finish(retryMs) {
    const againMs = this._againMs;
    this._isRunning = false;
    this._againMs = null;
    if (retryMs === null) {
      this._failures = 0;
      if (againMs !== null) {
        this.request(againMs);
      }
      return;
    }
    this._failures += 1;
    const longestMs = Math.min(500 * 2 ** this._failures, MAX_RETRY_MS);
    this._at(this._around.now() + Math.max(retryMs, (longestMs * (1 + this._around.random())) / 2));
  }
}
