/**
 * What the window and the document have themselves. An element with an id or a name appears as a property of both: on the
 * window where there is no such global, on the document even in place of its own property.
 */
import { isForOldBrowsers } from "./age.js";

/**
 * @param {any} page  a window
 * @param {string} name
 * @returns {any} undefined: no script has set it
 */
export function globalOf(page, name) {
  // IE8's window has no such method.
  return (isForOldBrowsers && !page.hasOwnProperty) || page.hasOwnProperty(name) ? page[name] : undefined;
}

/**
 * @param {any} page  a window
 * @param {string} name  of a property of the document
 * @returns {any}
 */
export function documentOf(page, name) {
  // Browsers without Reflect have no nonces either, and what has no Document is not a browser.
  if (isForOldBrowsers && !(page.Reflect && page.Document)) {
    return page.document[name];
  }
  return page.Reflect.get(page.Document.prototype, name, page.document);
}

/**
 * @param {any} page  a window
 * @param {string} name  of a property of the document
 * @param {any} value
 */
export function setOfDocument(page, name, value) {
  if (!isForOldBrowsers || (page.Reflect && page.Document)) {
    page.Reflect.set(page.Document.prototype, name, value, page.document);
  } else {
    page.document[name] = value;
  }
}

/**
 * @param {any} page  a window
 * @param {string} selector
 * @param {any} [document]  another one than that of the page
 * @returns {any} a list of elements
 */
export function findAll(page, selector, document) {
  const find = documentOf(page, "querySelectorAll");
  return !isForOldBrowsers || find ? find.call(document || page.document, selector) : [];
}
