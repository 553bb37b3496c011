/** Hooks for React. clientjs/README.md explains them. */
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

/** Handlers by event; those of the last render are called. */
export type Handlers<Events extends object = any> = {
  [Event in Name<Events>]?: (data: Events[Event], message: Message<Events[Event], Event>) => void;
} & Partial<ChannelHandlers>;

export interface ChannelState<Events extends object = any> {
  /** null: not mounted. */
  room: Subscription<Events> | null;
  state: "subscribing" | "subscribed" | "unsubscribed";
  /** Why the channel was rejected or taken away; `why.reason` can be shown to the user. */
  why: Unsubscribed | null;
}

export interface Presence {
  /** Primary keys of the users who are subscribed. */
  users: string[];
  /** Connections of visitors, when the channel was subscribed. */
  anonymous: number;
}

export declare function SockgateProvider(properties: { client: Client<any>; children?: any }): any;

/** The client of the provider, with its state and user. */
export declare function useSockgate<Events extends object = any>(): {
  client: Client<Events>;
  state: State;
  user: string | null;
};

/** Subscribe to a channel while the component is mounted; null: to none. */
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
