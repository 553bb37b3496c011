/**
 * The way that has worked where the raw WebSocket has not, for the other pages of this origin. It is kept for a day,
 * because networks change.
 */
import { KEY } from "./hasmemory.js";

const DAY_MS = 24 * 3600 * 1000;

export class Memory {
  /**
   * @param {{localStorage?: Storage}} page
   * @param {function(): number} now  returns Unix milliseconds
   */
  constructor(page, now) {
    this._now = now;
    this._text = "";
    /** @type {Storage | undefined} */
    this._storage = undefined;
    // A browser that blocks cookies throws.
    try {
      this._storage = page.localStorage;
      this._text = (this._storage && this._storage.getItem(KEY)) || "";
    } catch (error) {}
  }

  /**
   * @param {string} url  of the gateway
   * @returns {string | null} the name of a way
   */
  recall(url) {
    const parts = this._text.split(" ");
    const ageMs = this._now() - Number(parts[1]);
    return ageMs >= 0 && ageMs < DAY_MS && parts[2] === url ? parts[0] : null;
  }

  /**
   * Keep a way. One that is kept already keeps its age, so that a better one is tried again some day.
   *
   * @param {string} url
   * @param {string} way  "raw": there is nothing to remember
   */
  keep(url, way) {
    if (this.recall(url) !== way) {
      this.adopt(way === "raw" ? "" : [way, this._now(), url].join(" "));
    }
  }

  /** @returns {string} what is kept, for another page or worker */
  text() {
    return this._text;
  }

  /** @param {string} text  of another page or worker */
  adopt(text) {
    this._text = text;
    try {
      if (this._storage && text) {
        this._storage.setItem(KEY, text);
      } else if (this._storage) {
        this._storage.removeItem(KEY);
      }
    } catch (error) {}
  }
}
