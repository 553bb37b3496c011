/**
 * The live fragments of the page. Django's `{% live %}` writes what belongs to one into a data block, the last child of its
 * element. So neither an id nor an attribute of content makes a fragment.
 */
import { ordersIn, ordersOf } from "../page/orders.js";
import { trustedHtml } from "../page/trusted.js";
import { heldOf } from "./held.js";
import { morph } from "./morph.js";
import { processHtmx } from "./push.js";

/**
 * @typedef {{grant?: string | null, expires_in?: number, touched?: string | number | null}} Wanted  without a grant: there was none when
 *   the page was made; without `touched`: nobody knows whether it has changed since
 *
 * @typedef {Object} Fragment
 * @property {any} element
 * @property {any} script  its data block
 * @property {{id: string, channels: Object<string, Wanted>, rate: number, every?: number, user?: string, url?: string}} data
 * @property {string} url  the address at which it was rendered
 * @property {any[]} away  its content, while the viewer may not see it
 */

/** Not again and again, where a cache gives everybody the same page: after a reload not before that. */
const RELOAD_MS = 60000;

/** @param {any} page  the window */
export function fragmentsOf(page) {
  const held = heldOf(page);
  /** By element. @type {Map<any, Fragment>} */
  const known = new Map();
  let isLoaded = false;

  const all = () => [...known.values()];
  const at = (/** @type {string} */ url) => all().filter((one) => one.url === url);

  /** Find what has come and gone. */
  function scan() {
    const { location } = page;
    // What a POST has brought belongs to the address of the fragment that it replaces.
    const urls = new Map(all().map(({ data, url }) => [data.id, url]));
    for (const { script, data } of ordersOf(page, "live")) {
      const element = script.parentElement;
      const fragment = known.get(element);
      if (!fragment) {
        const url = data.url ? location.origin + data.url : urls.get(data.id) || location.href.split("#")[0];
        known.set(element, { element, script, data, url, away: [] });
        if (data.url) {
          held.know(element, []);
        } else if (!isLoaded) {
          held.knowPosted(element);
        }
      } else if (fragment.script !== script) {
        Object.assign(fragment, { script, data });
      }
    }
    isLoaded = true;
    all().forEach(({ element }) => element.isConnected || known.delete(element));
  }

  /**
   * Show the fragments of an address as a fresh page has them. One that it lacks stays, unless its right is in doubt.
   *
   * @param {string} url
   * @param {string} html
   * @param {boolean} isInDoubt
   * @returns {string | undefined} the id of one that the page lacks
   */
  function refresh(url, html, isInDoubt) {
    const document = parse(html);
    const orders = new Map(ordersIn(page, document, "live").map((order) => [order.data.id, order]));
    const named = new Map(ordersIn(page, document, "keep").map(({ script, data }) => [script.parentElement, data]));
    let lacking;
    // One may lie in another one: morphing takes the outer one first.
    for (const fragment of at(url).filter(({ element }) => element.isConnected)) {
      const { element, data } = fragment;
      const order = orders.get(data.id);
      const fresh = order && order.script.parentElement;
      if (fresh && fresh.localName === element.localName) {
        const { user } = order.data;
        if (user && data.user && user !== data.user) {
          reload();
          return;
        }
        show(fragment, fresh, order.data, named);
      } else if (isInDoubt) {
        clear(fragment);
      } else {
        lacking = data.id;
      }
    }
    return lacking;
  }

  /** @param {string} html @returns {any} a document */
  function parse(html) {
    // A part of a page may begin with a row, which needs no table in a template.
    const isPart = !/^\s*<(!|html)/i.test(html);
    const document = new page.DOMParser().parseFromString(trustedHtml(page, isPart ? `<template>${html}</template>` : html), "text/html");
    if (isPart) {
      document.body.append(document.querySelector("template").content);
    }
    return document;
  }

  /** The page was made for another user, who may have gone back to it. */
  function reload() {
    const { location, performance } = page;
    if (performance.now() > RELOAD_MS || performance.getEntriesByType("navigation")[0].type !== "reload") {
      location.reload();
    }
    all().forEach(clear);
  }

  /** @param {Fragment} fragment @param {any} fresh @param {any} data @param {Map<any, string[]>} named  what the author keeps */
  function show(fragment, fresh, data, named) {
    const { element, away } = fragment;
    if (!emit(element, "before", { fresh })) {
      return;
    }
    if (fragment.data.user && !data.user) {
      // The login has ended. What it showed goes, also around what was typed.
      element.replaceChildren();
      fragment.away = [];
    } else if (away.length) {
      // With what was typed.
      element.replaceChildren(...away);
      fragment.away = [];
    }
    // What is in it, and was rendered elsewhere.
    const others = all().filter((one) => one.url !== fragment.url && element.contains(one.element)).map((one) => one.element);
    const whole = [...held.heldIn(element, fresh), ...others];
    if (!whole.includes(element)) {
      const set = held.setIn(element);
      morph(element, fresh, { whole, named, set });
      held.know(element, [...whole, ...set]);
    }
    fragment.data = data;
    processHtmx(page, element);
    emit(element, "after", { isEmptied: false });
  }

  /** @param {Fragment} fragment */
  function clear(fragment) {
    const { element } = fragment;
    if (element.firstChild) {
      fragment.away = [...element.childNodes];
      element.replaceChildren();
      emit(element, "after", { isEmptied: true });
    }
  }

  /** @param {any} element @param {string} when @param {any} detail @returns {boolean} nobody has prevented it */
  function emit(element, when, detail) {
    return element.dispatchEvent(
      new page.CustomEvent(`sockgate:live-${when}`, { bubbles: true, cancelable: when === "before", detail })
    );
  }

  return {
    all,
    at,
    scan,
    refresh,
    emit,
    /** Empty those of an address: the viewer may not see them any more. @param {string} url */
    clear: (url) => at(url).forEach(clear)
  };
}
