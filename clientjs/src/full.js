/**
 * The client with SockJS inside: one file for browsers without WebSocket. index.js documents the API.
 */
import { assemble } from "./assembly.js";
import { Client } from "./client.js";
import { post } from "./post.js";
import { loadInside } from "./sockjs/inside.js";
import { Subscription } from "./subscription.js";
import { openerWith } from "./transports/complete.js";

export { CloseCode } from "./closecodes.js";

var KINDS = {
  Client: Client,
  Subscription: Subscription,
  post: post,
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
