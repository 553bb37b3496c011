/**
 * When a page fetches an address: once for all that has changed, and at a random moment, because a touch reaches all pages
 * at once.
 *
 * Strategy: whoever asks names a window, which grows with the audience and with the time that the site has needed for its last
 * answer. The browser measures that time, because a request may also wait in the browser, which says nothing about the site. The
 * moment is random in the window, and not before a whole window has passed since the last fetch began. So a page makes one request
 * in a window at most, and N pages spread evenly. More requests before that moment change nothing. One that comes while the fetch
 * runs may be missing in it, so exactly one more fetch follows, if it is still needed. After an answer of the site that it is busy,
 * the wait that it asks for (Retry-After) holds against all of them. A hidden page waits until it is seen, except where content
 * must vanish.
 */
import { documentOf } from "../../base/globals.js";

/** Fetches of one address are at least so far apart. */
export const MIN_SPACING_MS = 300;
/** With a longer one, a page would not be live any more. */
export const MAX_WINDOW_MS = 120000;
/** `LIVE_RATE` counts pages that are answered in so many ms. A slower one has a longer window, up to so many ms. */
const QUICK_MS = 10;
const MAX_GROWN_MS = 10000;
/** Until an answer was measured. */
const ASSUMED_MS = 50;
/** How many times as far apart fetches are as an answer takes. */
const PATIENCE = 20;
/** A site that says that it is busy counts as one that takes so long, at least. */
const BUSY_MS = 1000;
const MAX_BACKOFF_MS = 60000;

/** @typedef {{ms: number, isBusy: boolean}} Retry  try again after this number of ms at least; the site itself has said that it is busy */

/**
 * @param {any} page  the window
 * @param {function(): boolean} isNeeded  asked again when the moment has come
 * @param {function(): Promise<Retry | null>} run  fetches
 */
export function scheduleOf(page, isNeeded, run) {
  /** @type {any} */
  let timer = null;
  let dueMs = 0;
  let startedMs = -Infinity;
  let notBeforeMs = -Infinity;
  let tookMs = ASSUMED_MS;
  let lastWindowMs = 0;
  let isRunning = false;
  /** A fetch is needed as soon as the page is seen. */
  let isWaiting = false;
  /** What was asked for while a fetch runs. @type {(function(): void) | null} */
  let again = null;
  /** Content must vanish. */
  let isUrgent = false;
  let failures = 0;

  const now = () => page.performance.now();
  const isHidden = () => documentOf(page, "hidden") && !isUrgent;

  /**
   * Fetch within a window.
   *
   * @param {number} windowMs  that of the audience
   * @param {number} [leastMs]  a window that does not grow
   * @param {boolean} [mustVanish]  also in a hidden page
   */
  function request(windowMs, leastMs = 0, mustVanish = false) {
    isUrgent ||= mustVanish;
    if (isRunning) {
      again = () => request(windowMs, leastMs, mustVanish);
    } else if (isHidden()) {
      isWaiting = true;
    } else {
      choose(windowMs, leastMs, mustVanish);
    }
  }

  /** @param {number} windowMs @param {number} leastMs @param {boolean} mustVanish */
  function choose(windowMs, leastMs, mustVanish) {
    // That many pages together have about one request under way.
    const wideMs = Math.max(leastMs, windowMs, Math.min((windowMs * tookMs) / QUICK_MS, MAX_GROWN_MS));
    // A later request must not choose again: the earliest of many random moments is not random.
    if (timer === null || dueMs > now() + wideMs) {
      const slowMs = Math.min(tookMs * Math.min(PATIENCE, windowMs / QUICK_MS), MAX_WINDOW_MS);
      const spacingMs = Math.max(wideMs, slowMs, MIN_SPACING_MS);
      lastWindowMs = wideMs;
      set(Math.max(now() + page.Math.random() * wideMs, mustVanish ? 0 : startedMs + spacingMs));
    }
  }

  /** @param {number} ms */
  function set(ms) {
    stop();
    dueMs = Math.max(ms, notBeforeMs);
    timer = page.setTimeout(begin, Math.max(0, dueMs - now()));
  }

  function stop() {
    page.clearTimeout(timer);
    timer = null;
  }

  function begin() {
    const wasUrgent = isUrgent;
    timer = null;
    isWaiting = isHidden();
    isUrgent = false;
    if (!isWaiting && isNeeded()) {
      startedMs = now();
      isRunning = true;
      /** @type {Retry | null} */
      let retry = null;
      run()
        .then((answer) => (retry = answer))
        .finally(() => finish(retry, wasUrgent));
    }
  }

  /** @param {Retry | null} retry @param {boolean} wasUrgent */
  function finish(retry, wasUrgent) {
    const next = again;
    isRunning = false;
    again = null;
    if (!retry) {
      failures = 0;
      if (next && isNeeded()) {
        next();
      }
      return;
    }
    failures += 1;
    isUrgent ||= wasUrgent;
    const backoffMs = (Math.min(500 * 2 ** failures, MAX_BACKOFF_MS) * (1 + page.Math.random())) / 2;
    const retryMs = Math.max(now() + retry.ms, now() + backoffMs, startedMs + lastWindowMs);
    if (retry.isBusy) {
      // Twice as long as before: the measure of this answer has halved it.
      tookMs = Math.min(Math.max(4 * tookMs, BUSY_MS), MAX_WINDOW_MS);
      notBeforeMs = retryMs;
    }
    set(retryMs);
  }

  /**
   * The site has answered, perhaps a moment before or after the end of the fetch.
   *
   * @param {number} ms  without what the request has waited for in the browser
   */
  function answered(ms) {
    // One slow answer counts for a while.
    tookMs = Math.max(ms || 0, tookMs / 2);
  }

  /** The page is seen. */
  function seen() {
    if (isWaiting) {
      isWaiting = false;
      request(0);
    }
  }

  return { request, answered, seen, stop };
}
