/**
 * The script `sockgate-progress.js`, which Django's tag `{% task_progress %}` loads: bars that follow the work of the user.
 */
import { ensureClient } from "../clients.js";
import { orderOf } from "../../base/orders.js";
import { followClients } from "../../base/registry.js";
import { Board } from "./board.js";
import { elementOf } from "./element.js";

const ELEMENT = "sockgate-progress";
/** A page without a client of its own gets one so soon after it has loaded. */
const WAIT_MS = 500;

/**
 * Define the element, once.
 *
 * @param {any} page  a window
 */
export function begin(page) {
  const config = orderOf(page, "progress");
  if (!config || !page.customElements || page.customElements.get(ELEMENT)) {
    return;
  }
  const board = new Board(page, config);
  followClients(page, (client) => board.follow(client));
  page.customElements.define(ELEMENT, elementOf(page, board));
  ensureClient(page, WAIT_MS);
}

if (typeof document === "object") {
  begin(window);
}
