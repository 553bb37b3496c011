/** Types of Sockgate's browser client; src/index.js explains it. */

export as namespace Sockgate;

export type State = "connecting" | "connected" | "interrupted" | "waiting" | "offline" | "closed";

/** Transports as sockjs-client calls them. */
export type Transport =
  | "websocket"
  | "xhr-streaming"
  | "xdr-streaming"
  | "eventsource"
  | "iframe-eventsource"
  | "htmlfile"
  | "iframe-htmlfile"
  | "xhr-polling"
  | "xdr-polling"
  | "iframe-xhr-polling"
  | "jsonp-polling";

export interface StateDetails {
  connecting: {};
  connected: { transport: Transport; user: string | null; connection: string };
  interrupted: { transport: Transport; user: string | null; connection: string };
  waiting: { ms: number; code: number; reason: string };
  offline: {};
  closed: { code: number; reason: string };
}

/** `if (state === "waiting")` narrows the detail, too. */
export type StateHandler = (
  ...given: { [S in State]: [state: S, detail: StateDetails[S]] }[State]
) => void;

export interface Message<Data = any> {
  event: string;
  data: Data;
  channel: string;
  /** Of a sequenced publication. */
  offset?: number;
  /** The user who has published it from a browser; absent: the server has. */
  from?: string;
}

export type MessageHandler<Data = any> = (data: Data, message: Message<Data>) => void;

/** What the token endpoint answers. */
export interface TokenAnswer {
  token: string;
  /** Seconds. */
  expires_in?: number;
  url?: string;
}

export interface TokenError {
  /** 401 or 403: not signed in. */
  status?: number;
}

export type GetToken = (
  callback: (error: TokenError | null, answer?: string | TokenAnswer) => void
) => void;

/** What the grant endpoint answers. */
export interface GrantAnswer {
  /** null: the channel is public. */
  grant: string | null;
  /** Seconds. */
  expires_in?: number;
}

export type GetGrant = (
  channel: string,
  callback: (error: TokenError | null, answer?: string | GrantAnswer) => void
) => void;

export interface Options {
  url?: string;
  tokenUrl?: string | null;
  getToken?: GetToken;
  /** Beside `tokenUrl` unless given; null: nowhere. */
  grantUrl?: string | null;
  getGrant?: GetGrant;
  token?: string | null;
  /** Life of `token` in seconds. */
  expiresIn?: number | null;
  transports?: Transport | Transport[] | null;
  reconnect?: { minMs?: number; maxMs?: number };
  csrfToken?: string;
  /** null: scripts cannot read it. */
  csrfCookieName?: string | null;
  csrfHeaderName?: string;
  debug?: boolean;
  log?: (text: string) => void;
}

export interface ErrorFrame {
  type: "error";
  code: string;
  message: string;
  reply_to?: string | number;
}

/** Epoch and offset in a channel's history. */
export type Position = [epoch: string, offset: number];

export interface GapFrame {
  type: "gap";
  channel: string;
  /** Where it goes on, for a channel with a history. */
  epoch?: string;
  offset?: number;
}

export interface SubscribedFrame {
  type: "subscribed";
  channel: string;
  epoch?: string;
  offset?: number;
  /** Absent unless asked for. */
  recovered?: boolean;
}

/** Why a channel is not heard any more: left, taken away, or, with a code, refused. */
export interface Unsubscribed {
  code?: string;
  reason?: "rights_changed";
  message?: string;
}

export interface PresenceFrame {
  type: "presence";
  channel: string;
  /** How many connections each user has, by primary key. */
  users: { [user: string]: number };
  /** How many connections are of visitors who have not logged in. */
  anonymous: number;
}

export interface MoveFrame {
  type: "join" | "leave";
  channel: string;
  user: string;
}

export interface Refusal {
  code: string;
  message: string;
}

export interface PublishedFrame {
  type: "published";
  channel: string;
  /** Of a sequenced publication. */
  offset?: number;
}

export type PublishCallback = (refusal: Refusal | null, frame?: PublishedFrame) => void;

export type PresenceCallback = (refusal: Refusal | null, frame?: PresenceFrame) => void;

/** Events of channels: a subscription is told those of its own, the client those of all. */
export interface ChannelEvents {
  on(event: "gap", handler: (channel: string, frame: GapFrame) => void): this;
  on(event: "subscribed", handler: (channel: string, frame: SubscribedFrame) => void): this;
  on(event: "unsubscribed", handler: (channel: string, why: Unsubscribed) => void): this;
  on(event: "presence", handler: (channel: string, frame: PresenceFrame) => void): this;
  on(event: "join" | "leave", handler: (channel: string, frame: MoveFrame) => void): this;
  on<Data = any>(event: string, handler: MessageHandler<Data>): this;
  off(event: string, handler?: (...given: any[]) => void): this;
}

export interface SubscribeOptions {
  /** null: the channel is public. */
  grant?: string | null;
  /** Begin after this position; false: never recover. */
  recover?: Position | false;
}

export interface Subscription extends ChannelEvents {
  readonly channel: string;
  readonly state: "subscribing" | "subscribed" | "unsubscribed";
  presence(callback: PresenceCallback): void;
  /** Publish to all who hear the channel, where its namespace has `publish: "subscribers"`. */
  publish(event: `client-${string}`, data?: any, callback?: PublishCallback): void;
  /** Leave the channel, unless another subscription of this page holds it. */
  unsubscribe(): void;
}

export interface Client extends ChannelEvents {
  readonly state: State;
  /** Empty unless connected. */
  readonly transport: Transport | "";
  /** The user's primary key as text; null for an anonymous visitor, and before the first welcome. */
  readonly user: string | null;
  /** The connection's public id; empty unless connected. */
  readonly connection: string;
  onstate: StateHandler | null;

  on(event: "state", handler: StateHandler): this;
  on(event: "error", handler: (code: string, frame: ErrorFrame) => void): this;
  on(event: "gap", handler: (channel: string, frame: GapFrame) => void): this;
  on(event: "subscribed", handler: (channel: string, frame: SubscribedFrame) => void): this;
  on(event: "unsubscribed", handler: (channel: string, why: Unsubscribed) => void): this;
  on(event: "presence", handler: (channel: string, frame: PresenceFrame) => void): this;
  on(event: "join" | "leave", handler: (channel: string, frame: MoveFrame) => void): this;
  on<Data = any>(event: string, handler: MessageHandler<Data>): this;

  /** Ask for a channel, now and on every later connection. */
  subscribe(channel: string, options?: SubscribeOptions): Subscription;
  presence(channel: string, callback: PresenceCallback): void;

  /** Begin again after `close`, or at once while waiting. */
  connect(): void;
  close(): void;
}

export declare function connect(options?: Options): Client;

export declare const CloseCode: {
  readonly GOING_AWAY: 3000;
  readonly DRAIN: 3001;
  readonly OVERLOADED: 3002;
  readonly UNAVAILABLE: 3003;
  readonly SLOW_CONSUMER: 3004;
  readonly CONNECT_TIMEOUT: 3005;
  readonly INTERNAL_ERROR: 3006;
  readonly HEARTBEAT_TIMEOUT: 3007;
  readonly TOKEN_INVALID: 4400;
  readonly TOKEN_EXPIRED: 4401;
  readonly SESSION_UNKNOWN: 4402;
  readonly SESSION_ENDED: 4500;
  readonly PROTOCOL_ERROR: 4501;
  readonly MESSAGE_TOO_LARGE: 4502;
  readonly TOO_MANY_CONNECTIONS: 4503;
  readonly FLOOD: 4504;
};
