/** `sockgate/live`: fragments that Django's `{% live %}` has written refresh themselves, and `publish_html` is shown. */
import { push } from "../html/push.js";
import { PUSH } from "./markup.js";
import { start as startWithoutPush } from "./start.js";

/**
 * Keep the live fragments of this page fresh. A second call changes nothing.
 *
 * @param {import("../../sockgate.js").Client<any>} rt  the client
 * @param {any} [page]  for tests
 * @returns {{scan(): void}}  `scan` finds fragments that a script has added or removed
 */
export function start(rt, page = window) {
  page[PUSH] = push;
  return startWithoutPush(rt, page);
}
