/** Types of Sockgate's browser client; src/index.js explains it. */

export as namespace Sockgate;

export type State = "connecting" | "connected" | "waiting" | "offline" | "closed";

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

export interface Options {
  url?: string;
  tokenUrl?: string | null;
  getToken?: GetToken;
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

export interface GapFrame {
  type: "gap";
  channel: string;
}

export interface Client {
  readonly state: State;
  /** Empty unless connected. */
  readonly transport: Transport | "";
  /** The user's primary key as text; null for an anonymous visitor, and before the first welcome. */
  readonly user: string | null;
  /** The connection's public id; empty unless connected. */
  readonly connection: string;
  onstate: StateHandler | null;

  on(event: "state", handler: StateHandler): this;
  on(event: "gap", handler: (channel: string, frame: GapFrame) => void): this;
  on(event: "error", handler: (code: string, frame: ErrorFrame) => void): this;
  on<Data = any>(event: string, handler: MessageHandler<Data>): this;
  off(event: string, handler?: (...given: any[]) => void): this;

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
