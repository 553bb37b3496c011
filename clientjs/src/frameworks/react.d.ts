/** Hooks for React. clientjs/README.md explains them. */
import type { Client, State, SubscribeOptions } from "../sockgate.js";
import type { ChannelState, Handlers, Presence } from "./hooks.js";

export type { ChannelState, Handlers, Presence };

export declare function SockgateProvider(properties: { client: Client<any>; children?: any }): any;

/** The client of the provider, with its state and user. */
export declare function useSockgate<Events extends object = any>(): {
  client: Client<Events>;
  state: State;
  user: string | null;
};

/**
 * Subscribe to a channel while the component is mounted; null: to none. The handlers of the last
 * render are called.
 */
export declare function useChannel<Events extends object = any>(
  channel: string | null | undefined,
  handlers?: Handlers<Events>,
  options?: SubscribeOptions
): ChannelState<Events>;

/** Follow who is subscribed to a channel; null while that is not known. */
export declare function usePresence(
  channel: string | null | undefined,
  options?: SubscribeOptions
): Presence | null;
