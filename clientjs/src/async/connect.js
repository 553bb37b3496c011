/**
 * Makes `connect` for a build. The builds differ in where SockJS comes from.
 */
import { assemble } from "../core/assembly.js";
import { unknownOptions, wrongOptions } from "../core/options.js";
import { openerWith } from "../transports/complete.js";
import { AsyncClient } from "./client.js";
import { postAnywhere } from "./fetch.js";
import { AsyncSubscription } from "./subscription.js";
import { hasDocument, pageOf } from "./surroundings.js";

/**
 * @param {import("../transports/script.js").LoadSockJS} loadSockJS
 * @returns {function(import("../sockgate.js").Options=): AsyncClient}
 */
export function connectWith(loadSockJS) {
  const kinds = { Client: AsyncClient, Subscription: AsyncSubscription, post: postAnywhere, makeOpener: openerWith(loadSockJS) };
  return function (options) {
    // Browsers of 2018 have no `globalThis`.
    const global = typeof self === "object" ? self : globalThis;
    const [wrong] = wrongOptions(options);
    if (wrong) {
      throw new TypeError(wrong);
    }
    const { autoConnect = hasDocument(global) } = options || {};
    unknownOptions(options).forEach((text) => global.console.warn(`sockgate: ${text}`));
    const client = assemble({ ...options, autoConnect }, pageOf(global), kinds);
    return /** @type {AsyncClient} */ (client);
  };
}
