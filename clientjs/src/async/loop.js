/**
 * The messages of a client or of a channel, for a loop.
 */
import { closed } from "./errors.js";
import { Messages } from "./messages.js";
import { onAbort } from "./wait.js";

/**
 * @typedef {import("./messages.js").MessagesOptions} MessagesOptions
 *
 * @typedef {Object} Source
 * @property {function(string, function(any, any): void): function(): void} listen
 *
 * @typedef {function(Messages): Array<function(): void>} Watch
 */

/** Close code of `rt.close()`. */
const CLOSED_BY_PAGE = 1000;

/**
 * @param {Source} source
 * @param {import("../base/events.js").Events} clientEvents
 * @param {MessagesOptions} [options]
 * @param {Watch} [watch]  what else ends the loop
 * @returns {Messages}
 */
export function loopOver(source, clientEvents, options, watch) {
  return new Messages(options, (messages) => [
    source.listen("*", (_, message) => messages.add(message)),
    onClosed(clientEvents, (close) =>
      messages.end(close.code === CLOSED_BY_PAGE ? null : closed(close))
    ),
    onSignal(options, messages),
    ...(watch ? watch(messages) : [])
  ]);
}

/**
 * Call back when the client is closed.
 *
 * @param {import("../base/events.js").Events} clientEvents
 * @param {function(import("../wire/socket.js").Close): void} callback
 * @returns {function(): void} ends the watching
 */
export function onClosed(clientEvents, callback) {
  /**
   * @param {string} state
   * @param {any} detail
   */
  const handler = (state, detail) => {
    if (state === "closed") {
      callback(detail);
    }
  };
  clientEvents.on("state", handler);
  return () => clientEvents.off("state", handler);
}

/**
 * @param {MessagesOptions | undefined} options
 * @param {Messages} messages
 * @returns {function(): void}
 */
function onSignal(options, messages) {
  const { signal } = options || {};
  return signal ? onAbort(signal, () => void messages.return()) : () => {};
}
