/**
 * Hooks for React 18 and later.
 *
 * Strategy: nothing happens while a component renders, so a render that React throws away leaves
 * nothing behind. Effects subscribe and unsubscribe. StrictMode runs an effect twice, and the client
 * sends the gateway only what is left after both.
 */
import {
  createContext, createElement, useCallback, useContext, useEffect, useRef, useState,
  useSyncExternalStore
} from "react";

import { NO_CHANNEL, followChannel, followClient, followPresence } from "./follow.js";

/**
 * @typedef {import("../sockgate.js").Client<any>} Client
 * @typedef {import("../sockgate.js").SubscribeOptions} SubscribeOptions
 */

const Context = createContext(/** @type {Client | null} */ (null));

/**
 * Give a client to the hooks below.
 *
 * @param {{client: Client, children?: any}} properties
 */
export function SockgateProvider({ client, children }) {
  return createElement(Context.Provider, { value: client }, children);
}

/** The client, with its state and user. */
export function useSockgate() {
  const client = useClient();
  const follow = useCallback(
    (/** @type {function(): void} */ onChange) => followClient(client, onChange),
    [client]
  );
  const state = useSyncExternalStore(follow, () => client.state, () => "closed");
  const user = useSyncExternalStore(follow, () => client.user, () => null);
  return { client, state, user };
}

/**
 * Subscribe to a channel while the component is mounted.
 *
 * @param {string | null | undefined} channel  without one, nothing is subscribed
 * @param {import("./follow.js").Handlers} [handlers]  by event; those of the last render are called
 * @param {SubscribeOptions} [options]  of the first subscription to this channel
 */
export function useChannel(channel, handlers, options) {
  const client = useClient();
  const latest = useLatest({ handlers: handlers || {}, options });
  const [value, setValue] = useState(NO_CHANNEL);
  useEffect(() => {
    if (!channel) {
      return;
    }
    const { options } = latest.current;
    const stop = followChannel(client, channel, options, () => latest.current.handlers, setValue);
    return () => {
      stop();
      setValue(NO_CHANNEL);
    };
  }, [client, channel, latest]);
  return value;
}

/**
 * Follow who is subscribed to a channel.
 *
 * @param {string | null | undefined} channel
 * @param {SubscribeOptions} [options]
 */
export function usePresence(channel, options) {
  const client = useClient();
  const latest = useLatest({ options });
  const [value, setValue] = useState(/** @type {import("./follow.js").Presence | null} */ (null));
  useEffect(() => {
    if (!channel) {
      return;
    }
    const stop = followPresence(client, channel, latest.current.options, setValue);
    return () => {
      stop();
      setValue(null);
    };
  }, [client, channel, latest]);
  return value;
}

/** @returns {Client} */
function useClient() {
  const client = useContext(Context);
  if (!client) {
    throw new Error("sockgate/react: put <SockgateProvider client={…}> around this component");
  }
  return client;
}

/**
 * The value of the last render that was committed.
 *
 * @template Value
 * @param {Value} value
 */
function useLatest(value) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
