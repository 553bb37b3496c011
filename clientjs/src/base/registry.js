/**
 * Scripts beside the core that follow the clients of a page: badge, session guard, progress. Their functions lie at a symbol of the window, which no element can
 * name, and which the core finds, whichever is loaded first.
 */
import { isForOldBrowsers } from "./age.js";
import { without } from "./own.js";

/** @typedef {function(any, any, any, any): void} Follower  receives a client, its events, `explain`, and the options of `connect` */

/**
 * @param {any} page  a window
 * @returns {Follower[]}
 */
export function followersOf(page) {
  return page[keyIn(page)] || [];
}

/**
 * Call back with each client that the page makes from now on.
 *
 * @param {any} page  a window
 * @param {Follower} callback
 * @returns {function(): void} ends it
 */
export function followClients(page, callback) {
  page[keyIn(page)] = followersOf(page).concat([callback]);
  return () => {
    page[keyIn(page)] = without(followersOf(page), callback);
  };
}

/** @param {any} page */
function keyIn(page) {
  return isForOldBrowsers && !page.Symbol ? "sockgate client" : page.Symbol.for("sockgate client");
}
