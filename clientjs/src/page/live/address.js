/**
 * One address of the site at which fragments of the page were rendered: when it is fetched, and what the answer does to them.
 */
import { sourceOf } from "./fetch.js";
import { scheduleOf } from "./schedule.js";

/**
 * What an address needs of its page.
 *
 * @typedef {Object} Live
 * @property {any} fragments
 * @property {Map<string, {touched: any}>} stated  by channel
 * @property {function(): number} widestMs
 * @property {function(): void} rescan  after a refresh
 * @property {function(string): void} warn
 */

/**
 * @param {any} page  the window
 * @param {string} url
 * @param {Live} live
 */
export function addressOf(page, url, { fragments, stated, widestMs, rescan, warn }) {
  const source = sourceOf(page, url);
  const schedule = scheduleOf(page, isNeeded, refresh);
  /** A fetch is needed whatever the marks say. */
  let isDue = false;
  /** The viewer may not see it any more. @type {any} */
  let isInDoubt = false;
  /** @type {any} */
  let clock = null;

  /** @returns {any[][]} channels, each with what is shown of it */
  const shown = () => fragments.at(url).flatMap((/** @type {any} */ { data }) => Object.entries(data.channels));

  /** @returns {boolean} what is shown may be older than the last touch, or a fetch is due for another reason */
  function isNeeded() {
    return isDue || shown().some(([channel, { touched }]) => stated.has(channel) && (touched == null || stated.get(channel)?.touched !== touched));
  }

  /** Fetch again by time, where a fragment says so. */
  function wind() {
    const every = Math.min(...fragments.at(url).map((/** @type {any} */ { data }) => data.every || Infinity));
    page.clearTimeout(clock);
    if (every < Infinity) {
      clock = page.setTimeout(() => {
        isDue = true;
        // So many times, because the first pages received a smaller audience than the last ones.
        schedule.request(Math.min(10 * widestMs(), 400000));
        wind();
      }, every * 1000);
    }
  }

  /** @returns {Promise<import("./schedule.js").Retry | null>} */
  async function refresh() {
    const wasInDoubt = isInDoubt;
    isDue = isInDoubt = false;
    const answer = await source.fetch();
    const { html, isGone, why } = answer;
    if (isGone || (why && wasInDoubt)) {
      // Only the page itself says that the viewer may still see it.
      fragments.clear(url);
    }
    if (why) {
      warn(`${url} is not refreshed: ${why}`);
      if (answer.ms >= 0 || wasInDoubt) {
        isDue = true;
        isInDoubt ||= wasInDoubt;
        return { ms: 0, ...answer };
      }
    } else if (!isGone) {
      const lacking = fragments.refresh(url, html, wasInDoubt);
      if (lacking) {
        warn(`${url} lacks the fragment ${lacking}`);
      }
      rescan();
    }
    wind();
    return null;
  }

  /**
   * Fetch for other grants, whatever the marks say.
   *
   * @param {number} ms
   * @param {number} leastMs
   * @param {boolean} [isDoubtful]  the viewer may not see it any more
   */
  function renew(ms, leastMs, isDoubtful) {
    isInDoubt ||= isDoubtful;
    isDue = true;
    source.renew();
    schedule.request(ms, leastMs, isDoubtful);
  }

  wind();
  return {
    schedule,
    renew,
    /** @param {string} channel */
    has: (channel) => shown().some(([name]) => name === channel),
    /** Something has been touched, if the marks do not say otherwise. @param {number} ms @param {number} [leastMs] */
    noteTouch: (ms, leastMs) => isNeeded() && schedule.request(ms, leastMs),
    stop() {
      schedule.stop();
      page.clearTimeout(clock);
    }
  };
}
