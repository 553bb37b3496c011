/**
 * Fetch an address of the site, with the browser's own cookie, and say what its response means for the fragments that were
 * rendered at it.
 */

/**
 * What a response means. Without one of these, nothing has changed.
 *
 * @typedef {Object} Answer
 * @property {string} [html]  the page as it is now
 * @property {boolean} [isGone]  the viewer may not see it any more
 * @property {string} [why]  it cannot be fetched: keep what is shown
 * @property {number} [ms]  try again, after so many ms at least
 * @property {boolean} [isBusy]  the site itself has said that
 */

const TIMEOUT_MS = 30000;
const MAX_RETRY_AFTER_MS = 600000;
/** The viewer may not see the page any more. */
const FORBIDDEN = [401, 403, 404, 410];

/**
 * @param {any} page  the window
 * @param {string} url
 */
export function sourceOf(page, url) {
  /** @type {string | null} */
  let lastEtag = null;
  let isWholeNext = false;

  /** @returns {Promise<any>} an Answer */
  async function fetch() {
    const isWhole = isWholeNext;
    const controller = new AbortController();
    const timer = page.setTimeout(() => controller.abort(), TIMEOUT_MS);
    let answer;
    isWholeNext = false;
    if (isWhole) {
      lastEtag = null;
    }
    try {
      answer = await ask(isWhole, controller.signal);
    } catch (error) {
      answer = { ms: 0, isBusy: controller.signal.aborted, why: `${error}` };
    }
    page.clearTimeout(timer);
    isWholeNext ||= isWhole && answer.ms >= 0;
    return answer;
  }

  /**
   * @param {boolean} isWhole
   * @param {AbortSignal} signal
   * @returns {Promise<any>}
   */
  async function ask(isWhole, signal) {
    const headers = { Accept: "text/html", "X-Sockgate-Live": "1", ...(lastEtag && { "If-None-Match": lastEtag }) };
    // Never a stale copy: with an ETag of ours the server is asked beside the cache. Without one, the browser itself compares
    // its copy of the page with the server's. A redirect is not followed: it may lead to a login on another origin.
    const cache = isWhole ? "reload" : lastEtag ? "no-store" : "no-cache";
    const response = await page.fetch(url, { cache, credentials: "same-origin", headers, redirect: "manual", signal });
    const { status } = response;
    const why = `status ${status}`;
    if (status === 304) {
      return {};
    }
    lastEtag = null;
    if (response.type === "opaqueredirect" || FORBIDDEN.includes(status)) {
      return { isGone: true };
    }
    if (status >= 500 || status === 408 || status === 429) {
      return { ms: retryMs(response.headers), isBusy: true, why };
    }
    if (!response.ok || !/^text\/html\b/i.test(response.headers.get("Content-Type"))) {
      return { why };
    }
    const html = await response.text();
    lastEtag = response.headers.get("ETag");
    return { html };
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
