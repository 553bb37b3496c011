/**
 * Fetch an address of the site, with the browser's own cookie, and say what its response means for the fragments that were
 * rendered at it.
 */

/**
 * @typedef {{kind: "page", html: string}} Page  the page as it is now
 * @typedef {{kind: "same"}} Same  304, nothing has changed
 * @typedef {{kind: "gone"}} Gone  the viewer may not see it any more
 * @typedef {{kind: "retry", ms: number, isBusy: boolean, why: string}} Retry  no answer now; try again, after so many ms at least
 * @typedef {{kind: "unusable", why: string}} Unusable  it cannot be fetched: keep what is shown
 */

const TIMEOUT_MS = 30000;
const MAX_RETRY_AFTER_MS = 600000;
const RETRY = "retry";
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

  /** @returns {Promise<Page | Same | Gone | Retry | Unusable>} */
  async function fetch() {
    const isWhole = isWholeNext;
    const controller = new AbortController();
    const timer = page.setTimeout(() => controller.abort(), TIMEOUT_MS);
    let answer;
    isWholeNext = false;
    try {
      answer = await ask(isWhole ? null : lastEtag, isWhole, controller.signal);
    } catch (error) {
      answer = { kind: RETRY, ms: 0, isBusy: controller.signal.aborted, why: `${error}` };
    }
    page.clearTimeout(timer);
    isWholeNext = isWholeNext || (isWhole && answer.kind === RETRY);
    return answer;
  }

  /**
   * @param {string | null} etag
   * @param {boolean} isWhole
   * @param {AbortSignal} signal
   * @returns {Promise<any>}
   */
  async function ask(etag, isWhole, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/html", "X-Sockgate-Live": "1" };
    if (etag) {
      headers["If-None-Match"] = etag;
    }
    // Never a stale copy: with an ETag of ours the server is asked beside the cache. Without one, the browser itself compares
    // its copy of the page with the server's. A redirect is not followed: it may lead to a login on another origin.
    const cache = isWhole ? "reload" : etag ? "no-store" : "no-cache";
    const response = await page.fetch(url, { cache, credentials: "same-origin", headers, redirect: "manual", signal });
    const { status } = response;
    const why = `status ${status}`;
    if (status === 304) {
      return { kind: "same" };
    }
    lastEtag = null;
    if (response.type === "opaqueredirect" || FORBIDDEN.includes(status)) {
      return { kind: "gone" };
    }
    if (status >= 500 || status === 408 || status === 429) {
      return { kind: RETRY, ms: retryMs(response.headers), isBusy: true, why };
    }
    if (!response.ok || !/^text\/html\b/i.test(response.headers.get("Content-Type"))) {
      return { kind: "unusable", why };
    }
    const html = await response.text();
    lastEtag = response.headers.get("ETag");
    return { kind: "page", html };
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
