/**
 * Stores for Svelte 4 and later.
 *
 * Strategy: a store subscribes to its channel while it has subscribers. Svelte subscribes to the stores
 * of a component also while a server renders it. So nothing starts where there is no window, and the
 * HTML of the server is that of the browser's first render.
 */
import { readable } from "svelte/store";

import { NO_CHANNEL, followChannel, followClient, followPresence } from "./follow.js";

/**
 * @typedef {import("../sockgate.js").Client<any>} Client
 * @typedef {import("../sockgate.js").SubscribeOptions} SubscribeOptions
 *
 * @typedef {{state: import("../sockgate.js").State, user: string | null}} ClientState
 */

/**
 * The state and the user of a client.
 *
 * @param {Client} client
 */
export function sockgateStore(client) {
  return storeOf(/** @type {ClientState} */ ({ state: "closed", user: null }), (set) => {
    const note = () => set({ state: client.state, user: client.user });
    note();
    return followClient(client, note);
  });
}

/**
 * Subscribe to a channel while the store has subscribers.
 *
 * @param {Client} client
 * @param {string | null | undefined} channel  without one, nothing is subscribed
 * @param {import("./follow.js").Handlers} [handlers]  by event
 * @param {SubscribeOptions} [options]
 */
export function channelStore(client, channel, handlers = {}, options) {
  return storeOf(
    NO_CHANNEL,
    channel && ((set) => followChannel(client, channel, options, () => handlers, set))
  );
}

/**
 * Follow who is subscribed to a channel.
 *
 * @param {Client} client
 * @param {string | null | undefined} channel
 * @param {SubscribeOptions} [options]
 */
export function presenceStore(client, channel, options) {
  return storeOf(
    /** @type {import("./follow.js").Presence | null} */ (null),
    channel && ((set) => followPresence(client, channel, options, set))
  );
}

/**
 * A store that has its first value again when the last subscriber has gone.
 *
 * @template Value
 * @param {Value} first
 * @param {"" | null | undefined | (function(function(Value): void): (function(): void))} follow
 *     receives a function that sets the value, and returns one that stops
 */
function storeOf(first, follow) {
  return readable(first, (set) => {
    if (!follow || typeof window === "undefined") {
      return;
    }
    const stop = follow(set);
    return () => {
      stop();
      set(first);
    };
  });
}
