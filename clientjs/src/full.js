/**
 * The client with SockJS inside: one file for browsers without WebSocket. index.js documents the API.
 */
import { assemble } from "./core/assembly.js";
import { Client } from "./core/client.js";
import { post } from "./credentials/post.js";
import { loadInside } from "./transports/sockjs/inside.js";
import { Subscription } from "./channels/subscription.js";
import { openerWith } from "./transports/complete.js";

export { CloseCode } from "./wire/contract.js";

const KINDS = {
  Client,
  Subscription,
  post,
  makeOpener: openerWith(loadInside)
};

/**
 * Connect this page to its gateway.
 *
 * @param {import("./sockgate.js").Options} [options]  see index.js
 * @returns {Client}
 */
export function connect(options) {
  return (/** @type {any} */ (connect).client = assemble(options, window, KINDS));
}
