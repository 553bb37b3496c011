/**
 * All bars of a page: what arrives for the user goes to the bar with its id. After each connect, after a gap, and when there
 * was no news for long, the page asks Django for the present values, all bars together.
 *
 * Strategy: one request at a time, and one timer. While Django cannot answer, the wait grows, is as long as Django says, and is
 * not shortened by what happens meanwhile: that only names more bars. After a connect or a gap, which many pages have at once, the
 * page asks at a random moment within the time that the gateway states.
 */

import { isReport } from "./report.js";

const EVENT = "sockgate-progress";
/** Of one request, as Django takes them. */
const MAX_IDS = 50;
const RETRY_MS = 5000;
const MAX_RETRY_MS = 300000;
const MAX_RETRY_AFTER_MS = 86400000;
/** So soon after what has happened, so that bars that come together ask together. */
const SOON_MS = 50;

/** @typedef {any} Bar  a `<sockgate-progress>` */

export class Board {
  /**
   * @param {any} page  a window
   * @param {{url: string, lang?: string, texts: Object<string, string>}} config
   */
  constructor(page, config) {
    this._page = page;
    this._url = config.url;
    this._lang = config.lang || undefined;
    this.texts = config.texts;
    /** Wait in seconds until a bar whose work has not begun asks again. */
    this.waitS = 30;
    /** @type {Set<Bar>} */
    this._bars = new Set();
    /** @type {Set<Bar>} */
    this._due = new Set();
    /** @type {any} */
    this._timer = null;
    this._isConnected = false;
    this._hasWarned = false;
    /** Requests in a row without an answer. */
    this._failures = 0;
  }

  /** @param {any} client */
  follow(client) {
    client.on(EVENT, (/** @type {any} */ report, /** @type {any} */ message) => {
      // A browser cannot publish on a user's channel, and its publications have a sender.
      if (report && message && !message.from && /^user:/.test(message.channel)) {
        const bars = [...this._bars].filter((bar) => bar.progressId === report.id);
        if (isReport(report)) {
          bars.forEach((bar) => bar.show(report));
        } else if (bars.length && !this._hasWarned) {
          this._hasWarned = true;
          this._page.console.warn(`Sockgate: what came as ${EVENT} is not a report of Django.`, report);
        }
      }
    });
    client.on("state", (/** @type {string} */ state) => {
      this._isConnected = state === "connected";
    });
    const askAll = (/** @type {string} */ _, /** @type {any} */ crowd) => this._askAll(crowd);
    client.on("gap", askAll);
    // Each connect has this channel. With it, the gateway states how many pages connect at this moment.
    client.subscribe("broadcast").on("subscribed", askAll);
  }

  /** @param {any} crowd  a frame */
  _askAll(crowd) {
    const withinS = Number(crowd && crowd.within) || 0;
    this.ask([...this._bars], SOON_MS + Math.random() * Math.max(SOON_MS, withinS * 1000));
  }

  /** @param {Bar} bar */
  add(bar) {
    this._bars.add(bar);
    if (this._isConnected) {
      this.ask([bar]);
    }
  }

  /** @param {Bar} bar */
  remove(bar) {
    this._bars.delete(bar);
    this._due.delete(bar);
  }

  /** @param {number} share @returns {string} */
  percent(share) {
    return new Intl.NumberFormat(this._lang, { style: "percent" }).format(Math.floor(share * 100) / 100);
  }

  /** Ask for the present values of these bars, in one request. @param {Bar[]} bars @param {number} [ms] */
  ask(bars, ms = SOON_MS) {
    bars.filter((bar) => !bar.isOver).forEach((bar) => this._due.add(bar));
    if (this._due.size && !this._timer) {
      this._timer = this._page.setTimeout(() => this._fetch(), ms);
    }
  }

  async _fetch() {
    const bars = [...this._due].filter((bar) => this._bars.has(bar)).slice(0, MAX_IDS);
    bars.forEach((bar) => this._due.delete(bar));
    let waitMs;
    try {
      waitMs = bars.length ? await this._request(bars) : null;
    } catch (error) {
      waitMs = 0;  // No network, or a response that is none of ours.
    }
    this._timer = null;
    if (waitMs === null) {
      this._failures = 0;
      this.ask([...this._due]);
    } else {
      this._failures += 1;
      const ms = Math.max(waitMs, Math.min(RETRY_MS * 2 ** (this._failures - 1), MAX_RETRY_MS));
      this.ask(bars.filter((bar) => this._bars.has(bar)), ms * (1 + Math.random()));
    }
  }

  /** @param {Bar[]} bars @returns {Promise<number | null>} null, or after how many ms at least to ask again */
  async _request(bars) {
    const query = bars.map((bar) => `id=${encodeURIComponent(bar.progressId)}`).join("&");
    const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
    const init = { headers, credentials: "same-origin", cache: "no-store", redirect: "manual" };
    const response = await this._page.fetch(`${this._url}?${query}`, init);
    const { status } = response;
    if (status === 408 || status === 429 || status >= 500) {
      return retryAfterMs(response.headers.get("Retry-After"));
    }
    if (status === 200) {
      const { progress } = await response.json();
      bars.forEach((bar) => (progress[bar.progressId] ? bar.show(progress[bar.progressId]) : bar.miss()));
    }
    return null;
  }
}

/** @param {string | null} text  seconds, or a date @returns {number} */
function retryAfterMs(text) {
  const ms = /^\d+$/.test(text || "") ? Number(text) * 1000 : Date.parse(text || "") - Date.now();
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : 0;
}
