/** Composables for Vue. clientjs/README.md explains them. */
import type { App, ComputedRef, MaybeRefOrGetter, ShallowRef } from "vue";
import type {
  ChannelHandlers,
  Client,
  Message,
  State,
  SubscribeOptions,
  Subscription,
  Unsubscribed
} from "../sockgate.js";

type Name<Events> = Extract<keyof Events, string>;

/** Handlers by event. */
export type Handlers<Events extends object = any> = {
  [Event in Name<Events>]?: (data: Events[Event], message: Message<Events[Event], Event>) => void;
} & Partial<ChannelHandlers>;

export interface ChannelState<Events extends object = any> {
  /** null: not mounted. */
  room: ComputedRef<Subscription<Events> | null>;
  state: ComputedRef<"subscribing" | "subscribed" | "unsubscribed">;
  /** Why the channel was rejected or taken away; `why.reason` can be shown to the user. */
  why: ComputedRef<Unsubscribed | null>;
}

export interface Presence {
  /** Primary keys of the users who are subscribed. */
  users: string[];
  /** Connections of visitors, when the channel was subscribed. */
  anonymous: number;
}

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
