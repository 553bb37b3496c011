/** Composables for Vue. clientjs/README.md explains them. */
import type { App, ComputedRef, MaybeRefOrGetter, ShallowRef } from "vue";
import type { Client, State, SubscribeOptions } from "../sockgate.js";
import type { ChannelState as Values, Handlers, Presence } from "./hooks.js";

export type { Handlers, Presence };

/** The fields of a channel's state, each as a ref. */
export type ChannelState<Events extends object = any> = {
  [Field in keyof Values<Events>]: ComputedRef<Values<Events>[Field]>;
};

export type ChannelName = MaybeRefOrGetter<string | null | undefined>;

/** A plugin: `app.use(createSockgate(client))`. */
export declare function createSockgate(client: Client<any>): { install(app: App): void };

/** The client of the plugin, with its state ("closed" until the component is mounted) and user. */
export declare function useSockgate<Events extends object = any>(): {
  client: Client<Events>;
  state: ShallowRef<State>;
  user: ShallowRef<string | null>;
};

/** Subscribe to a channel while the component is mounted; null: to none. */
export declare function useChannel<Events extends object = any>(
  channel: ChannelName,
  handlers?: Handlers<Events>,
  options?: SubscribeOptions
): ChannelState<Events>;

/** Follow who is subscribed to a channel; null while that is not known. */
export declare function usePresence(
  channel: ChannelName,
  options?: SubscribeOptions
): ShallowRef<Presence | null>;
