/**
 * The live fragments of the page: elements with `data-sockgate-live`, which Django's `{% live %}` writes.
 */
import { morph } from "./morph.js";

const ATTRIBUTE = "data-sockgate-live";

/** @typedef {{grant?: string | null, expires_in?: number}} Wanted  without a grant: there was none when the page was made */

export class Fragments {
  /** @param {any} page  the window */
  constructor(page) {
    this._page = page;
    /** Elements that the page itself gives. Others were added by a script, from wherever. @type {WeakSet<Element>} */
    this._own = new WeakSet();
  }

  /** Note the elements of the page as it was loaded. */
  begin() {
    this._all().forEach((element) => this._own.add(element));
  }

  /** @returns {boolean} */
  isEmpty() {
    return !this._all().length;
  }

  /** @returns {Map<string, Wanted>} by channel */
  channels() {
    /** @type {Map<string, Wanted>} */
    const channels = new Map();
    for (const element of this._all()) {
      for (const [channel, wanted] of Object.entries(channelsOf(element))) {
        channels.set(channel, Object.assign(channels.get(channel) || {}, wanted));
      }
    }
    return channels;
  }

  /** @returns {number} requests a second that all pages together may make */
  rate() {
    const rates = this._all().map((element) => Number(element.getAttribute("data-sockgate-rate")));
    return Math.min(...rates.filter((rate) => rate > 0), 1e9);
  }

  /**
   * Show the fragments as a fresh page has them. One that it lacks becomes empty: the view does not give it any more.
   *
   * @param {string} html
   */
  refresh(html) {
    const fresh = new this._page.DOMParser().parseFromString(html, "text/html");
    // One may lie in another one: morphing takes the outer one out of the fresh document.
    const pairs = this._all().map((element) => [element, fresh.getElementById(element.id)]);
    for (const [element, found] of pairs.filter(([element]) => element.isConnected)) {
      if (found && found.hasAttribute(ATTRIBUTE) && found.localName === element.localName) {
        this._morph(element, found);
      } else if (this._own.has(element)) {
        element.setAttribute(ATTRIBUTE, "{}");
        this._clear(element);
      }
    }
  }

  /** Empty all: the viewer may not see the page any more. */
  clear() {
    this._all().filter((element) => this._own.has(element)).forEach((element) => this._clear(element));
  }

  /** @returns {any[]} */
  _all() {
    return [...this._page.document.querySelectorAll(`[${ATTRIBUTE}]`)];
  }

  /** @param {any} element @param {Element} fresh */
  _morph(element, fresh) {
    if (this.emit(element, "before", { fresh })) {
      morph(element, fresh);
      this._all().filter((other) => element.contains(other)).forEach((other) => this._own.add(other));
      if (this._page.htmx) {
        this._page.htmx.process(element);
      }
      this.emit(element, "after", { isEmptied: false });
    }
  }

  /** @param {any} element */
  _clear(element) {
    if (element.firstChild) {
      element.replaceChildren();
      this.emit(element, "after", { isEmptied: true });
    }
  }

  /** @param {any} element @param {string} when @param {any} detail @returns {boolean} nobody has prevented it */
  emit(element, when, detail) {
    const { CustomEvent } = this._page;
    return element.dispatchEvent(
      new CustomEvent(`sockgate:live-${when}`, { bubbles: true, cancelable: when === "before", detail })
    );
  }
}

/** @param {Element} element @returns {Record<string, Wanted>} */
function channelsOf(element) {
  try {
    return JSON.parse(/** @type {string} */ (element.getAttribute(ATTRIBUTE))) || {};
  } catch (error) {
    return {};
  }
}
