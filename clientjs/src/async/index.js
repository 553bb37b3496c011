/**
 * The ES module and CommonJS builds: the API of ../index.js, and promises, loops and an error class.
 * The script builds do not contain this folder.
 */
import { loadSockJS } from "../transports/script.js";
import { connectWith } from "./connect.js";

export { CloseCode } from "../wire/contract.js";
export { SockgateError } from "./errors.js";

/** Connect this page to its gateway. Without a document, the client waits for `rt.connect()`. */
export const connect = /* @__PURE__ */ connectWith(loadSockJS);
