/** Stores for Svelte. clientjs/README.md explains them. */
import type { Readable } from "svelte/store";
import type { Client, State, SubscribeOptions } from "../sockgate.js";
import type { ChannelState, Handlers, Presence } from "./hooks.js";

export type { ChannelState, Handlers, Presence };

/** The state ("closed" on a server) and the user of a client. */
export declare function sockgateStore(
  client: Client<any>
): Readable<{ state: State; user: string | null }>;

/** Subscribe to a channel while the store has subscribers; null: to none. */
export declare function channelStore<Events extends object = any>(
  client: Client<any>,
  channel: string | null | undefined,
  handlers?: Handlers<Events>,
  options?: SubscribeOptions
): Readable<ChannelState<Events>>;

/** Follow who is subscribed to a channel; null while that is not known. */
export declare function presenceStore(
  client: Client<any>,
  channel: string | null | undefined,
  options?: SubscribeOptions
): Readable<Presence | null>;
