/**
 * The contract between client and gateway. `make contract` writes this file from
 * gateway/sockgate_gateway/wire/contract.py; docs/protocol.md describes the frames.
 */

/** Why the gateway closed a connection. */
export const CloseCode = {
  GOING_AWAY: 3000,
  DRAIN: 3001,
  OVERLOADED: 3002,
  UNAVAILABLE: 3003,
  SLOW_CONSUMER: 3004,
  CONNECT_TIMEOUT: 3005,
  INTERNAL_ERROR: 3006,
  HEARTBEAT_TIMEOUT: 3007,
  TOKEN_INVALID: 4400,
  TOKEN_EXPIRED: 4401,
  SESSION_UNKNOWN: 4402,
  SESSION_ENDED: 4500,
  PROTOCOL_ERROR: 4501,
  MESSAGE_TOO_LARGE: 4502,
  TOO_MANY_CONNECTIONS: 4503,
  FLOOD: 4504
};

/** The documentation site. docs/troubleshooting.md has an anchor for each code. */
export const DOCUMENTATION = "https://sockgate.example/";

/** A channel's name. */
export const CHANNEL = /^[\w.:@%+=,~!$&/#|-]{1,255}$/;

/** Events of the connection and its channels, which no publication may use. */
export const RESERVED = /^(\*|error|gap|join|leave|presence|presence_changed|session\-expiring|state|subscribed|unsubscribed|user)$/;

/** The reason of an `unsubscribed` frame after which Django may grant the channel again. */
export const RIGHTS_CHANGED = "rights_changed";

/** The number of frames that may follow `connect` before `connected`. */
export const MAX_EARLY_FRAMES = 64;

/**
 * The members of each frame of a client: the kind (check.js), "?" where it may be absent, "|null"
 * where it may be null.
 */
export const CLIENT_FRAMES = {
  connect: { token: "string", recover: "recovers?", id: "id?|null" },
  ping: { id: "id?|null" },
  refresh: { token: "string", id: "id?|null" },
  subscribe: { channel: "string", grant: "string?|null", recover: "recover?|null", id: "id?|null" },
  unsubscribe: { channel: "string", id: "id?|null" },
  presence: { channel: "string", id: "id?|null" },
  set_presence: { channel: "string", data: "any", id: "id?|null" },
  publish: { channel: "string", event: "string", data: "any", id: "id?|null" }
};
