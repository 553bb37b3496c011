/** The start of `sockgate-live.js` and of `sockgate/live`. */
import { globalOf } from "../../base/globals.js";
import { livePageOf } from "./page.js";

/** The property of the window that has what was started. A page may load the script more than once. */
export const STARTED = "sockgateLive";

/**
 * Keep the live fragments of this page fresh. A second call changes nothing.
 *
 * @param {import("../../sockgate.js").Client<any>} rt  the client
 * @param {any} [page]  for tests
 * @returns {{scan(): void}}  `scan` finds fragments that a script has added or removed
 */
export function start(rt, page = window) {
  if (!globalOf(page, STARTED)) {
    page[STARTED] = livePageOf(rt, page);
  }
  return page[STARTED];
}
