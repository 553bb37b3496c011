/**
 * What Django's template tags tell the scripts of a page, in `<script type="application/json" data-sockgate="<kind>">`.
 *
 * Strategy: a page may show HTML that a user wrote. Sanitizers keep ids and `data-*` attributes and remove every `<script>`, so
 * an order is never looked up by an id, nor read from an attribute of another element. Of several blocks of a kind, the last
 * one counts, since scripts that replace the body of a page may leave former ones in its head. Where the page's policy has a
 * nonce, Django writes it to its blocks, and one with the nonce comes before all others.
 */
import { isForOldBrowsers } from "./age.js";
import { parsed } from "./own.js";
import { documentOf, findAll } from "./globals.js";

/** The script that is executed while this module is loaded; null: a module. */
const own =
  isForOldBrowsers && typeof document !== "object" ? null : /* @__PURE__ */ documentOf(window, "currentScript");

/**
 * @param {any} page  a window
 * @param {string} kind  `client`, `guard`, `progress`, …
 * @returns {any} the data; undefined: Django has written none
 */
export function orderOf(page, kind) {
  const blocks = findAll(page, selectorOf(kind));
  const nonce = nonceOf(page);
  /** @type {any} */
  let chosen = {};
  for (let i = 0; i < blocks.length; i++) {
    if (chosen.nonce !== nonce || blocks[i].nonce === nonce) {
      chosen = blocks[i];
    }
  }
  return parsed(chosen.text);
}

/**
 * @param {any} page  a window
 * @param {string} kind  `live`, …
 * @param {any} [document]  one that was parsed from a response; default: that of the page
 * @returns {{script: any, data: any}[]} in the order of the document; a block that is not JSON is left out
 */
export function ordersOf(page, kind, document) {
  const blocks = findAll(page, selectorOf(kind), document);
  const orders = [];
  for (let i = 0; i < blocks.length; i++) {
    const data = parsed(blocks[i].text);
    if (data !== undefined) {
      orders.push({ script: blocks[i], data });
    }
  }
  return orders;
}

/**
 * @param {any} page  a window
 * @param {any} element
 * @param {string} kind
 * @returns {any} the data of a block; undefined: it is not a block of this kind
 */
export function dataOf(page, element, kind) {
  // A form shows its fields as properties, even one of this name.
  return element && page.Element.prototype.matches.call(element, selectorOf(kind)) ? parsed(element.text) : undefined;
}

/** @param {string} kind */
function selectorOf(kind) {
  return 'script[type="application/json"][data-sockgate="' + kind + '"]';
}

/**
 * The nonce of the page's scripts: that of the script that is ours. A module does not know its element, and takes that of the
 * first script that has one. Browsers hide the attribute from style sheets, but not the property from scripts.
 *
 * @param {any} page  a window
 * @returns {string}
 */
export function nonceOf(page) {
  return (own || (isForOldBrowsers && findAll(page, "script[nonce]")[0]) || {}).nonce || "";
}
