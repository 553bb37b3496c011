/** The types that the hooks of all frameworks share. */
import type { ChannelHandlers, Message, PresenceData, Subscription, Unsubscribed } from "../sockgate.js";

type Name<Events> = Extract<keyof Events, string>;

/** Handlers by event. */
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
  /** How many users there are, where they are too many to be named: `users` is empty then. */
  count?: number;
  /** Connections of visitors, when the channel was subscribed. */
  anonymous: number;
  /** What Django says about users, where the namespace has `presence_data`. */
  data?: { [user: string]: PresenceData | null };
  /** What the pages of users say. */
  pageData?: { [user: string]: PresenceData[] };
}
