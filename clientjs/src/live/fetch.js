/**
 * Fetch the page itself, with the browser's own cookie, and say what its response means for the fragments.
 */

/**
 * @typedef {{kind: "page", html: string}} Page  the page as it is now
 * @typedef {{kind: "same"}} Same  304, nothing has changed
 * @typedef {{kind: "gone", why: string}} Gone  the viewer may not see it any more
 * @typedef {{kind: "retry", ms: number, why: string}} Retry  no answer now; try again, after so many ms at least
 * @typedef {{kind: "unusable", why: string}} Unusable  it cannot be fetched: keep what is shown
 */

const TIMEOUT_MS = 30000;
const MAX_RETRY_AFTER_S = 600;

export class PageSource {
  /** @param {any} page  the window */
  constructor(page) {
    this._page = page;
    this._url = "";
    this._etag = "";
    this._isWhole = false;
  }

  /** Fetch the page as a whole next time, also where it has not changed: its grants are too old. */
  renew() {
    this._isWhole = true;
  }

  /** @returns {Promise<Page | Same | Gone | Retry | Unusable>} */
  async fetch() {
    const { location } = this._page;
    const url = location.href.split("#")[0];
    if (url !== this._url || this._isWhole) {
      this._url = url;
      this._etag = "";
    }
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
    try {
      return await this._answer(url, controller.signal);
    } catch (error) {
      return { kind: "retry", ms: 0, why: `${error}` };
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @returns {Promise<Page | Same | Gone | Retry | Unusable>}
   */
  async _answer(url, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/html", "X-Sockgate-Live": "1" };
    if (this._etag) {
      headers["If-None-Match"] = this._etag;
    }
    // Never a stale copy: with an ETag of ours the server is asked beside the cache. Without one, the browser itself compares
    // its copy of the page with the server's. A redirect is not followed: it may lead to a login on another origin.
    const cache = this._isWhole ? "reload" : this._etag ? "no-store" : "no-cache";
    const response = await this._page.fetch(url, { cache, credentials: "same-origin", headers, redirect: "manual", signal });
    const { status } = response;
    this._isWhole = false;
    if (status === 304) {
      return { kind: "same" };
    }
    this._etag = "";
    if (response.type === "opaqueredirect") {
      return { kind: "gone", why: "a redirect" };
    }
    if (status === 401 || status === 403 || status === 404 || status === 410) {
      return { kind: "gone", why: `status ${status}` };
    }
    if (status >= 500 || status === 408 || status === 429) {
      const seconds = Number(response.headers.get("Retry-After")) || 0;
      return { kind: "retry", ms: 1000 * Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_S), why: `status ${status}` };
    }
    if (!response.ok || !/^text\/html\b/i.test(response.headers.get("Content-Type") || "")) {
      return { kind: "unusable", why: response.ok ? "no HTML" : `status ${status}` };
    }
    const html = await response.text();
    this._etag = response.headers.get("ETag") || "";
    return { kind: "page", html };
  }
}
