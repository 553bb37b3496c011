/// <reference lib="es2018.asynciterable" />
/**
 * Types of Sockgate's browser client. src/index.js documents the API.
 *
 * The global `Sockgate` of the script has what old browsers have: no promises, `ready`, `messages`
 * and `SockgateError`. Its requests need a callback.
 */

export as namespace Sockgate;

/** Events that are not declared. A page may declare its own: `connect<{ news: News }>()`. */
export type AnyEvents = any;

type Name<Events> = Extract<keyof Events, string>;

/** Of declared events only: a publication without a name. Else: any event. */
type Undeclared<Events> = string extends keyof Events ? string : "message";

/** Names of events that a browser may publish. */
type Publishable<Events> = string extends keyof Events
  ? `client-${string}`
  : Extract<keyof Events, `client-${string}`>;

/** The data of an event: optional where it may be undefined. */
type DataArgument<Data> = undefined extends Data ? [data?: Data] : [data: Data];

export type State = "connecting" | "connected" | "interrupted" | "waiting" | "offline" | "closed";

/** Transports, with the names of sockjs-client. */
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

/** `if (state === "waiting")` also narrows the type of the detail. */
export type StateHandler = (
  ...given: { [S in State]: [state: S, detail: StateDetails[S]] }[State]
) => void;

/** The value of `onstate`. `detail` has the fields of the state; `rt.on("state", …)` checks that. */
export type OnState = (
  state: State,
  detail: StateDetails["connected"] & StateDetails["waiting"]
) => void;

export interface Message<Data = any, Event extends string = string> {
  event: Event;
  data: Data;
  channel: string;
  /** Only of a sequenced publication. */
  offset?: number;
  /** Only of the first publication of an epoch. */
  epoch?: string;
  /** Only of a touch: about how many connections receive it. */
  audience?: number;
  /** Only of a touch: the mark of the channel from now on. Absent: unknown. */
  touched?: number;
  /** Primary key of the user who published it from a browser; absent: the server published it. */
  from?: string;
}

export type MessageHandler<Data = any, Event extends string = string> = (
  data: Data,
  message: Message<Data, Event>
) => void;

/** Any message. `if (message.event === "news")` also narrows the type of its data. */
export type AnyMessage<Events extends object = AnyEvents> = {
  [Event in Name<Events>]: Message<Events[Event], Event>;
}[Name<Events>];

/** The response of the token endpoint. */
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

/** The response of the grant endpoint. */
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
  /** The page has no login, and the token endpoint refuses visitors: request nothing. */
  loginRequired?: boolean;
  /** Default: "grant/", beside `tokenUrl`; null: there is none. */
  grantUrl?: string | null;
  getGrant?: GetGrant;
  /** Grants that the page has, by channel. */
  grants?: { [channel: string]: GrantAnswer };
  token?: string | null;
  /** Lifetime of `token` in seconds. */
  expiresIn?: number | null;
  /**
   * false: connect on `rt.connect()`. Default: true in a page; false where there is no document (in a
   * worker, in Node.js, on a server that renders pages).
   */
  autoConnect?: boolean;
  /** Default: "auto", the gateway's WebSocket, and SockJS where that fails. */
  transport?: "auto" | "websocket" | "sockjs";
  /** The only transports that may be used. */
  transports?: Transport | Transport[] | null;
  /** Wait in ms until the next transport is tried beside one that has not opened; default: 1500. */
  fallbackAfterMs?: number;
  /** Wait in ms over HTTP until a WebSocket is tried in the background; each failure doubles it. Default: 15000. */
  upgradeAfterMs?: number;
  /** Of SockJS's script, which is loaded when it is needed. Default: the gateway's. */
  sockjsUrl?: string | null;
  /** true: the tabs of one login share one connection, where the browser can do that. */
  shared?: boolean;
  /** Of the script for `shared`, on the page's own origin. Default: the one in Django's static files. */
  sharedUrl?: string | null;
  reconnect?: { minMs?: number; maxMs?: number };
  csrfToken?: string;
  /** null: scripts cannot read the cookie. */
  csrfCookieName?: string | null;
  csrfHeaderName?: string;
  /** Write each state to the console. */
  debug?: boolean;
  /** Receives each state and each warning, instead of the console. */
  log?: (text: string) => void;
}

/** Its other members are below, among the frames. */
export interface ErrorFrame {
  /** Of "load_failed": what `load` has thrown. */
  cause?: unknown;
}

/** Epoch and offset in a channel's history. */
export type Position = [epoch: string, offset: number];

/** What the gateway says of all pages that receive the same now. */
export interface Crowd {
  /** About how many they are. */
  audience?: number;
  /** Ask Django at a random moment within this time, in seconds, so that they do not all ask at once. */
  within?: number;
}

// contract: frames
export interface SubscribedFrame {
  type: "subscribed";
  channel: string;
  /** Of the history. Absent where the channel has none. */
  epoch?: string;
  /** Of the newest publication. */
  offset?: number;
  /** Absent unless recovery was requested. */
  recovered?: boolean;
  /** The newest publication follows. */
  state?: "latest";
  /** The channel's touch mark now; absent: unknown. A page that was rendered at this mark has missed no touch. */
  touched?: number;
  /** About how many pages receive the same at this moment: after a lost link, all connections of all workers. */
  audience?: number;
  /** Ask Django for something at a random moment within this time, in seconds: `audience` / `SOCKGATE_LIVE_RATE`, at least 3 where many are concerned, 120 at most. */
  within?: number;
  /** About how many connections it has in all workers. */
  pages?: number;
  /** The `id` of the frame that it answers. */
  reply_to?: number | string;
}

export interface GapFrame {
  type: "gap";
  channel: string;
  /** Of the history. Absent where the channel has none. */
  epoch?: string;
  /** Of the newest publication. */
  offset?: number;
  /** The channel's touch mark now; absent: unknown. A page that was rendered at this mark has missed no touch. */
  touched?: number;
  /** About how many pages receive the same at this moment: after a lost link, all connections of all workers. */
  audience?: number;
  /** Ask Django for something at a random moment within this time, in seconds: `audience` / `SOCKGATE_LIVE_RATE`, at least 3 where many are concerned, 120 at most. */
  within?: number;
}

export interface PresenceFrame {
  type: "presence";
  channel: string;
  /** Number of connections of each user, by primary key. */
  users: { [user: string]: number };
  /** How many users, where they are more than `presence_limit`: `users` is empty then. */
  count?: number;
  /** Number of connections of visitors without a login. */
  anonymous: number;
  /** What Django says about each user. */
  data?: { [user: string]: PresenceData };
  /** What the connections of each user say. */
  page_data?: { [user: string]: PresenceData[] };
  /** The data of some users is left out (256 users, 64 KiB). */
  data_truncated?: true;
  /** The `id` of the frame that it answers. */
  reply_to?: number | string;
}

export interface JoinFrame {
  type: "join";
  channel: string;
  user: string;
  /** What Django says of the user. */
  data?: PresenceData;
}

export interface LeaveFrame {
  type: "leave";
  channel: string;
  user: string;
}

export interface PresenceChangedFrame {
  type: "presence_changed";
  channel: string;
  user: string;
  /** What Django says now, null: nothing; absent: no change. */
  data?: PresenceData | null;
  /** What the user's pages say now; absent: no change. */
  page_data?: PresenceData[];
}

export interface PresenceSetFrame {
  type: "presence_set";
  channel: string;
  /** The `id` of the frame that it answers. */
  reply_to?: number | string;
}

export interface PublishedFrame {
  type: "published";
  channel: string;
  /** Of a sequenced publication alone. */
  offset?: number;
  /** The `id` of the frame that it answers. */
  reply_to?: number | string;
}

export interface ErrorFrame {
  type: "error";
  code: string;
  message: string;
  /** The `id` of the frame that it answers. */
  reply_to?: number | string;
  /** Of a rejected request about presence. */
  channel?: string;
  /** The grant is a good one, but since it was issued the channel was revoked, or the user's rights have changed. */
  revoked?: true;
  /** About how many pages receive the same at this moment: after a lost link, all connections of all workers. */
  audience?: number;
  /** Ask Django for something at a random moment within this time, in seconds: `audience` / `SOCKGATE_LIVE_RATE`, at least 3 where many are concerned, 120 at most. */
  within?: number;
}
// end

/** A user has joined or left a channel. */
export type MoveFrame = JoinFrame | LeaveFrame;

/** Why a channel is not subscribed any more. */
export interface Unsubscribed extends Crowd {
  type: "unsubscribed";
  channel: string;
  /**
   * Of a rejected channel, the code of the refusal. Else "revoked" or "rights_changed" (taken away),
   * or "unsubscribed" (by the page).
   */
  code: ErrorCode;
  /** Of "not_allowed": a good grant was refused, because it was revoked or the rights have changed. */
  revoked?: boolean;
  /** For developers. */
  message: string;
  /** A sentence for users, in English. For another language, translate `code`. */
  reason: string;
}

/** An object of at most 1,024 bytes as JSON. */
export type PresenceData = { [name: string]: any };

export interface Refusal {
  code: ErrorCode;
  message: string;
}

/** Refusals of the gateway, then those of the client. */
export type ErrorCode =
// contract: error codes
  | "not_allowed"
  | "bad_channel"
  | "bad_event"
  | "bad_data"
  | "too_many_channels"
  | "too_many"
  | "unavailable"
  | "not_supported"
// end
  | "not_connected"
  | "unsubscribed"
  | "revoked"
  | "rights_changed"
  | "closed"
  | "timeout"
  | "overflow"
  | "load_failed"
  | "aborted"
  | (string & {});

/** Of rejected promises, and of loops that cannot go on. */
export declare class SockgateError extends Error {
  constructor(
    code: ErrorCode,
    message: string,
    details?: { channel?: string | undefined; closeCode?: number | undefined }
  );
  readonly code: ErrorCode;
  readonly channel: string | undefined;
  /** Of "closed": a close code, or the HTTP status of the token endpoint. */
  readonly closeCode: number | undefined;
}

export interface WaitOptions {
  /** Milliseconds; then the promise is rejected with "timeout". Default: no limit. */
  timeout?: number;
  /** The promise is rejected with the signal's reason. */
  signal?: AbortSignal;
}

export interface MessagesOptions {
  /** Ends the loop. */
  signal?: AbortSignal;
  /** A loop that is more messages behind ends with "overflow". Default: 1000. */
  limit?: number;
}

export type PublishCallback = (refusal: Refusal | null, frame?: PublishedFrame) => void;

export type PresenceCallback = (refusal: Refusal | null, frame?: PresenceFrame) => void;

/** `audience`: about how many connections receive this touch. null: the gateway did not recognize it as one. */
export type TouchData = { audience: number } | null;

export type PresenceSetCallback = (refusal: Refusal | null, frame?: PresenceSetFrame) => void;

/** Handlers of events of channels. */
export interface ChannelHandlers {
  gap: (channel: string, frame: GapFrame) => void;
  subscribed: (channel: string, frame: SubscribedFrame) => void;
  unsubscribed: (channel: string, why: Unsubscribed) => void;
  presence: (channel: string, frame: PresenceFrame) => void;
  join: (channel: string, frame: JoinFrame) => void;
  leave: (channel: string, frame: LeaveFrame) => void;
  presence_changed: (channel: string, frame: PresenceChangedFrame) => void;
  /** Django has called `touch(channel)`: something changed here. */
  touch: (data: TouchData, message: Message<TouchData, "touch">) => void;
  /** A request was refused, and nothing of the page received that. */
  error: (code: ErrorCode, frame: ErrorFrame) => void;
}

/** The login of the page is about to end; `sockgate/guard` emits it. */
export interface SessionExpiring {
  /** Seconds. */
  expiresIn: number;
  /** false: the login ends at a fixed time. */
  canStay: boolean;
  /** Extend the login. The value is the seconds that it has then. */
  stay(): Promise<number>;
}

/** Handlers of events of the client. */
export interface ClientHandlers extends ChannelHandlers {
  state: StateHandler;
  /** Emitted by `sockgate/guard`, once before each end. */
  "session-expiring": (expiring: SessionExpiring) => void;
  /** The user has changed; null: a visitor without a login. */
  user: (now: string | null, before: string | null) => void;
}

/** A handler that ignores what follows, for types of handlers that depend on the first argument. */
type FirstOnly<Handler> = Handler extends (...given: infer Given extends any[]) => void
  ? (first: Given[0]) => void
  : never;

/** A subscription emits the events of its channel, the client those of all. */
export interface Emitter<Events extends object, Handlers extends object> {
  on<Event extends keyof Handlers>(event: Event, handler: Handlers[Event]): this;
  on<Event extends keyof Handlers>(event: Event, handler: FirstOnly<Handlers[Event]>): this;
  on(
    event: "*",
    handler: (data: Events[Name<Events>], message: AnyMessage<Events>) => void
  ): this;
  on<Event extends Name<Events>>(event: Event, handler: MessageHandler<Events[Event], Event>): this;
  on<Data = any>(event: Undeclared<Events>, handler: MessageHandler<Data>): this;

  /** Add a handler. Returns a function that removes it. */
  listen<Event extends keyof Handlers>(event: Event, handler: Handlers[Event]): () => void;
  listen<Event extends keyof Handlers>(event: Event, handler: FirstOnly<Handlers[Event]>): () => void;
  listen(
    event: "*",
    handler: (data: Events[Name<Events>], message: AnyMessage<Events>) => void
  ): () => void;
  listen<Event extends Name<Events>>(
    event: Event,
    handler: MessageHandler<Events[Event], Event>
  ): () => void;
  listen<Data = any>(event: Undeclared<Events>, handler: MessageHandler<Data>): () => void;

  /** Remove a handler, or all handlers of an event. */
  off(event: string, handler?: (...given: any[]) => void): this;

  /**
   * The messages from now on, for a loop: `for await (const message of room.messages())`. The loop
   * ends when the page unsubscribes or closes the client. It throws a SockgateError when the channel
   * was rejected or taken away, or the client was closed otherwise.
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<AnyMessage<Events>>;
}

export interface ChannelEvents<Events extends object = AnyEvents>
  extends Emitter<Events, ChannelHandlers> {}

export interface SubscribeOptions {
  /** null: the channel is public. */
  grant?: string | null;
  /**
   * Start after this position; or with this number of the newest publications, "all" that are kept; false:
   * never recover.
   */
  recover?: Position | number | "all" | false;
}

export interface StateRequest {
  /** Aborted when the result is not wanted any more; undefined in a browser without AbortController. */
  readonly signal: AbortSignal | undefined;
}

export interface LoadStateOptions<State> {
  /** After a gap, load at a random moment within this time in ms, or `within` of the gap if that is longer; default: 3000. */
  jitterMs?: number;
  /** The page has the state already, and has subscribed with the position at which it was rendered. */
  loaded?: boolean;
  /** The position at which a state was read. Publications up to there are not delivered again. */
  positionOf?: (state: State) => Position | null | undefined;
}

export interface Subscription<Events extends object = AnyEvents> extends ChannelEvents<Events> {
  readonly channel: string;
  readonly state: "subscribing" | "subscribed" | "unsubscribed";

  /** Wait until the channel is subscribed. */
  ready(options?: WaitOptions): Promise<void>;

  /** Request the number of connections of each user. */
  presence(): Promise<PresenceFrame>;
  presence(callback: PresenceCallback): void;
  /** Set what presence shows of this page, until the subscription or the connection ends; null: nothing. */
  presence(callback: PresenceSetCallback, data: PresenceData | null): void;

  /**
   * Set what presence shows of this page, now and on every later connection; null: nothing. The namespace
   * needs `presence_data: "subscribers"`. While the channel is not subscribed, the promise is fulfilled at once.
   */
  setPresence(data: PresenceData | null): Promise<PresenceSetFrame | undefined>;

  /**
   * Publish to all subscribers, where the channel's namespace has `publish: "subscribers"`. A refusal
   * rejects the promise. Without an `await` and without a callback, the client emits it as "error".
   */
  publish<Event extends Publishable<Events> & keyof Events>(
    event: Event,
    ...data: DataArgument<Events[Event]>
  ): Promise<PublishedFrame>;
  publish<Event extends Publishable<Events> & keyof Events>(
    event: Event,
    data: Events[Event],
    callback: PublishCallback
  ): void;

  /**
   * Load a state once the channel is subscribed, and again after a gap. Publications that arrive while
   * `load` runs follow `apply`. A load that fails is an "error" with the code "load_failed", and is tried
   * again. Returns a function that ends it; so does `unsubscribe`.
   */
  loadState<State>(
    load: (request: StateRequest) => State | PromiseLike<State>,
    apply: (state: State) => void,
    options?: LoadStateOptions<State>
  ): () => void;

  /** End this subscription. The last one of a channel also unsubscribes at the gateway. */
  unsubscribe(): void;
}

export interface Client<Events extends object = AnyEvents> extends Emitter<Events, ClientHandlers> {
  readonly state: State;
  /** Empty unless connected. */
  readonly transport: Transport | "";
  /** The user's primary key as text; null for a visitor, and before the first connection. */
  readonly user: string | null;
  /** The connection's public id; empty unless connected. */
  readonly connection: string;
  /** The last round trip to the gateway in ms; null before the first connection. */
  readonly rtt: number | null;
  onstate: OnState | null;

  /** Wait for a connection. Rejected with "closed" when the client is closed. */
  ready(options?: WaitOptions): Promise<StateDetails["connected"]>;

  /** Subscribe to a channel, now and on every later connection. */
  subscribe<ChannelEvents extends object = Events>(
    channel: string,
    options?: SubscribeOptions
  ): Subscription<ChannelEvents>;

  /** Request the number of connections of each user of a channel. */
  presence(channel: string): Promise<PresenceFrame>;
  presence(channel: string, callback: PresenceCallback): void;

  /** Connect: the first time without `autoConnect`, again after `close`, or at once while waiting. */
  connect(): void;
  close(): void;
}

/** `connect<Events>()` checks the names and the data of events. */
export declare function connect<Events extends object = AnyEvents>(options?: Options): Client<Events>;

// contract: close codes
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
// end
