/**
 * The script `sockgate-live.js`, which `{% live %}` loads: the global `SockgateLive`. It starts when the page is complete, with
 * the page's own client where there is one, else with one that it makes.
 */
import { STARTED, start } from "./module.js";

export { start };

/** @param {any} page */
export function begin(page) {
  const { document, Sockgate } = page;
  const config = document.getElementById("sockgate-config");
  if (page[STARTED]) {
    return;
  }
  if (!config || !Sockgate) {
    page.console.error("sockgate: {% live %} needs {% sockgate_client %} in the same page.");
    return;
  }
  // Without a login there is no connection, and the page stays as it is.
  if (Sockgate.connect.client || !JSON.parse(config.text).loginRequired) {
    start(Sockgate.connect.client || Sockgate.connect(), page);
  }
}

if (typeof document === "object") {
  // After all scripts of the page, which may make a client.
  if (document.readyState === "complete") {
    begin(window);
  } else {
    document.addEventListener("DOMContentLoaded", () => setTimeout(() => begin(window)));
    // Where the script came too late for that.
    addEventListener("load", () => begin(window));
  }
}
