/**
 * What the window and the document have themselves. An element with an id or a name appears as a property of both: on the
 * window where there is no such global, on the document even in place of its own property.
 */

/**
 * @param {any} page  a window
 * @param {string} name
 * @returns {any} undefined: no script has set it
 */
export function globalOf(page, name) {
  return Object.prototype.hasOwnProperty.call(page, name) ? page[name] : undefined;
}

/**
 * @param {any} page  a window
 * @param {string} name  of a property
 * @returns {any}
 */
export function documentOf(page, name) {
  var prototype = page.Reflect && page.Document && page.Document.prototype;
  // Old browsers have neither, and hide nothing.
  return prototype && name in prototype ? page.Reflect.get(prototype, name, page.document) : page.document[name];
}

/**
 * @param {any} page  a window
 * @param {string} name  of a method
 * @param {any} argument
 * @returns {any}
 */
export function askDocument(page, name, argument) {
  return documentOf(page, name).call(page.document, argument);
}
