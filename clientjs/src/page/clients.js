/**
 * A client for scripts beside the core that need one.
 */
import { documentOf, globalOf } from "../base/globals.js";
import { ordersOf } from "../base/orders.js";
import { followClients } from "../base/registry.js";

/** Time after loading of the page until a script that needs a client and has none connects by itself. */
const WAIT_MS = 3000;

/**
 * Connect the page when it has no client some time after it has loaded. That client is closed when the page makes one
 * itself.
 *
 * @param {any} page  a window, with the global `Sockgate` of the script
 * @param {number} [waitMs]
 * @returns {function(): void} ends it
 */
export function ensureClient(page, waitMs = WAIT_MS) {
  /** @type {any} */
  let own = null;
  let isMade = false;
  /** @type {any} */
  let timer = null;
  const unfollow = followClients(page, () => {
    isMade = true;
    if (own) {
      own.close();
      own = null;
    }
  });
  const wait = () => {
    timer = page.setTimeout(() => {
      const Sockgate = globalOf(page, "Sockgate");
      if (!isMade && Sockgate && Sockgate.connect) {
        own = Sockgate.connect();
      }
    }, waitMs);
  };
  if (documentOf(page, "readyState") === "complete") {
    wait();
  } else {
    page.addEventListener("load", wait);
  }
  return () => {
    unfollow();
    page.removeEventListener("load", wait);
    page.clearTimeout(timer);
  };
}

/**
 * Return the client that the page has made last, else make one with the configuration of `{% sockgate_client %}`.
 *
 * @param {any} page  a window
 * @param {string} needed  for what, as the message says it
 * @returns {any} null: the page has no client script, or no login and so no connection
 */
export function clientOf(page, needed) {
  const Sockgate = globalOf(page, "Sockgate");
  const [config] = ordersOf(page, "client").slice(-1);
  if (!config || !Sockgate) {
    page.console.error(`sockgate: ${needed} needs {% sockgate_client %} in the same page.`);
    return null;
  }
  const { client } = Sockgate.connect;
  return client || (config.data.loginRequired ? null : Sockgate.connect());
}
