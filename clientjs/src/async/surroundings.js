/**
 * Where the client runs: a page, a worker, or a server that renders pages.
 */

/** @typedef {import("../core/assembly.js").Page} Page */

/**
 * @param {any} global
 * @returns {boolean}
 */
export function hasDocument(global) {
  return typeof global.document === "object" && !!global.document;
}

/**
 * The global object of a page; elsewhere, one with an empty document.
 *
 * @param {any} global
 * @returns {Page}
 */
export function pageOf(global) {
  return hasDocument(global) ? global : withoutDocument(global);
}

/**
 * @param {any} global
 * @returns {Page}
 */
function withoutDocument(global) {
  const { location = { protocol: "", host: "" }, navigator = {}, crypto, console, WebSocket } = global;
  const document = { ...NO_EVENTS, ...EMPTY, location };
  return /** @type {any} */ ({ ...eventsOf(global), document, navigator, crypto, console, WebSocket });
}

const EMPTY = { cookie: "", getElementById: () => null, getElementsByTagName: () => [] };

const NO_EVENTS = { addEventListener: nothing, removeEventListener: nothing };

// A worker receives "online" and "offline".
/** @param {any} global */
function eventsOf(global) {
  if (!global.addEventListener) {
    return NO_EVENTS;
  }
  return {
    addEventListener: global.addEventListener.bind(global),
    removeEventListener: global.removeEventListener.bind(global)
  };
}

function nothing() {}
