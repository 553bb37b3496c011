/**
 * The script `sockgate-live.js`, which `{% live %}` loads: the global `SockgateLive`. It starts when the page is complete, with
 * the page's own client where there is one, else with one that it makes.
 */
import { clientOf } from "../clients.js";
import { globalOf } from "../../base/globals.js";
import { STARTED, start } from "./start.js";

export { start };

/** @param {any} page */
export function begin(page) {
  const rt = globalOf(page, STARTED) ? null : clientOf(page, "{% live %}");
  if (rt) {
    start(rt, page);
  }
}

// After all scripts of the page, which may make a client.
if (document.readyState === "complete") {
  begin(window);
} else {
  // The second one where the script came too late for the first.
  ["DOMContentLoaded", "load"].forEach((name) => addEventListener(name, () => setTimeout(() => begin(window))));
}
