/**
 * All bars of a page: what arrives for the user goes to the bar with its id. After each connect, after a gap, and when there
 * was no news for long, the page asks Django for the present values, all bars together.
 */

const EVENT = "sockgate-progress";
/** Of one request, as Django takes them. */
const MAX_IDS = 50;
const RETRY_MS = 5000;

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
    /** A bar whose work has not begun asks again after so many seconds. */
    this.waitS = 30;
    /** @type {Set<Bar>} */
    this._bars = new Set();
    /** @type {Set<Bar>} */
    this._due = new Set();
    /** @type {any} */
    this._timer = null;
    this._isConnected = false;
  }

  /** @param {any} client */
  follow(client) {
    client.on(EVENT, (/** @type {any} */ report, /** @type {any} */ message) => {
      // A browser cannot publish on a user's channel, and its publications have a sender.
      if (report && message && !message.from && /^user:/.test(message.channel)) {
        this._bars.forEach((bar) => bar.progressId === report.id && bar.show(report));
      }
    });
    client.on("state", (/** @type {string} */ state) => {
      this._isConnected = state === "connected";
      if (this._isConnected) {
        this.ask([...this._bars]);
      }
    });
    client.on("gap", () => this.ask([...this._bars]));
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
  }

  /** @param {number} share @returns {string} */
  percent(share) {
    return new Intl.NumberFormat(this._lang, { style: "percent" }).format(Math.floor(share * 100) / 100);
  }

  /** Ask for the present values of these bars, soon, in one request. @param {Bar[]} bars @param {number} [ms] */
  ask(bars, ms = 50) {
    bars.filter((bar) => !bar.isOver).forEach((bar) => this._due.add(bar));
    if (this._due.size && !this._timer) {
      this._timer = this._page.setTimeout(() => this._fetch(), ms * (1 + Math.random()));
    }
  }

  async _fetch() {
    const bars = [...this._due].filter((bar) => this._bars.has(bar)).slice(0, MAX_IDS);
    bars.forEach((bar) => this._due.delete(bar));
    const query = bars.map((bar) => `id=${encodeURIComponent(bar.progressId)}`).join("&");
    try {
      const headers = { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" };
      const init = { headers, credentials: "same-origin", cache: "no-store", redirect: "manual" };
      const response = bars.length ? await this._page.fetch(`${this._url}?${query}`, init) : { status: 0 };
      if (response.status === 200) {
        const { progress } = await response.json();
        bars.forEach((bar) => (progress[bar.progressId] ? bar.show(progress[bar.progressId]) : bar.miss()));
      } else if (response.status === 503) {
        throw new Error("later");
      }
      this._timer = null;
      this.ask([...this._due]);
    } catch (error) {
      this._timer = null;
      this.ask(bars, RETRY_MS);
    }
  }
}
