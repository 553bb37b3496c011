/**
 * Fetch an address of the site, with the browser's own cookie, and say what its response means for the fragments that were
 * rendered at it.
 */

/**
 * What a response means: one of the first three.
 *
 * @typedef {Object} Answer
 * @property {string} [html]  the page as it is now
 * @property {boolean} [isGone]  the viewer may not see it any more
 * @property {string} [why]  it cannot be fetched: keep what is shown
 * @property {number} [ms]  try again, after this number of ms at least
 * @property {boolean} [isBusy]  the site itself has said that
 */

/** In browsers since 2022; others wait as long as the browser does. */
const TIMEOUT_MS = 30000;
const MAX_RETRY_AFTER_MS = 600000;
/** The viewer may not see the page any more. */
const FORBIDDEN = [401, 403, 404, 410];

/**
 * @param {any} page  the window
 * @param {string} url
 */
export function sourceOf(page, url) {
  /** @type {any} */
  let isWholeNext = false;

  /** @returns {Promise<any>} an Answer */
  async function fetch() {
    const isWhole = isWholeNext;
    const signal = AbortSignal.timeout?.(TIMEOUT_MS);
    let answer;
    isWholeNext = false;
    try {
      answer = await ask(isWhole, signal);
    } catch (error) {
      answer = { ms: 0, isBusy: signal?.aborted, why: `${error}` };
    }
    isWholeNext ||= isWhole && answer.why;
    return answer;
  }

  /**
   * @param {boolean} isWhole
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<any>}
   */
  async function ask(isWhole, signal) {
    // Never a stale copy: where the site has an ETag, the browser compares its copy of the page with the server's. A redirect is
    // not followed, and the browser does not say where it leads: to a login, maybe on another origin, or for a moment elsewhere.
    const cache = isWhole ? "reload" : "no-cache";
    const headers = { Accept: "text/html", "X-Sockgate-Live": "1" };
    const response = await page.fetch(url, { cache, headers, redirect: "manual", signal });
    const { status } = response;
    const why = `status ${status}`;
    if (response.type === "opaqueredirect") {
      return { ms: 0, why: "a redirect" };
    }
    if (FORBIDDEN.includes(status)) {
      return { isGone: true };
    }
    if (status >= 500 || status === 408 || status === 429) {
      return { ms: retryMs(response.headers), isBusy: true, why };
    }
    if (!response.ok || !/^text\/html\b/i.test(response.headers.get("Content-Type"))) {
      return { why };
    }
    return { html: await response.text() };
  }

  return {
    fetch,
    /** Fetch the page as a whole next time, also where it has not changed: its grants are too old. */
    renew() {
      isWholeNext = true;
    }
  };
}

/** @param {any} headers @returns {number} what the site asks for: seconds, or a date by the site's own clock */
function retryMs(headers) {
  const asked = headers.get("Retry-After");
  const ms = isNaN(asked) ? Date.parse(asked) - Date.parse(headers.get("Date")) : asked * 1000;
  return Math.min(Math.max(ms, 0) || 0, MAX_RETRY_AFTER_MS);
}
