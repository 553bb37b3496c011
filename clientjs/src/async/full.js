/**
 * The builds of "sockgate/full", with SockJS inside: for pages whose policy allows no script of the
 * gateway.
 */
import { loadInside } from "../transports/sockjs/inside.js";
import { connectWith } from "./connect.js";

export { CloseCode } from "../wire/contract.js";
export { SockgateError } from "./errors.js";

/** Connect this page to its gateway. Without a document, the client waits for `rt.connect()`. */
export const connect = /* @__PURE__ */ connectWith(loadInside);
