/**
 * Close codes: the one table that tells whether to come back, the same as the gateway's.
 *
 * 3000-3499 and 4000-4499 mean "reconnect", 3500-3999 and 4500-4999 mean "do not"; 4400-4499
 * say that the token was refused. Codes below 3000 belong to RFC 6455 section 7.4.1, and some
 * to sockjs-client; a client comes back after those that mean an accident.
 */

/** Why the gateway closed a connection. */
export var CloseCode = {
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

/** @type {Object<number, boolean>} */
var ACCIDENTS = {
  1001: true,
  1005: true,
  1006: true,
  1011: true,
  1012: true,
  1013: true,
  1014: true
};

/** What sockjs-client says itself, of an attempt that came to nothing. */
var SockJSCode = {
  CANNOT_CONNECT: 1002,
  ALL_TRANSPORTS_FAILED: 2000,
  TRANSPORT_TIMEOUT: 2007,
  ALREADY_OPEN: 2010
};

/** @type {Object<number, boolean>} */
var FAILED_ATTEMPTS = {};
FAILED_ATTEMPTS[SockJSCode.CANNOT_CONNECT] = true;
FAILED_ATTEMPTS[SockJSCode.ALL_TRANSPORTS_FAILED] = true;
FAILED_ATTEMPTS[SockJSCode.TRANSPORT_TIMEOUT] = true;
FAILED_ATTEMPTS[SockJSCode.ALREADY_OPEN] = true;

/** @type {Object<number, import("./backoff.js").Pace>} */
var PACES = {};
PACES[CloseCode.DRAIN] = { floorMs: 0, spreadMs: 3000 };
PACES[CloseCode.OVERLOADED] = { floorMs: 5000, spreadMs: 10000 };
PACES[CloseCode.UNAVAILABLE] = { floorMs: 2000, spreadMs: 5000 };
// The token endpoint speaks HTTP, and may need time as well.
PACES[429] = PACES[CloseCode.OVERLOADED];
PACES[503] = PACES[CloseCode.UNAVAILABLE];

/**
 * Tell whether a client comes back after a code that the server sent.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function mayReconnect(code) {
  return !!ACCIDENTS[code] || (code >= 3000 && code <= 3499) || (code >= 4000 && code <= 4499);
}

/**
 * Tell whether sockjs-client gave up on an attempt; the next one may well succeed.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function isFailedAttempt(code) {
  return !!FAILED_ATTEMPTS[code];
}

/**
 * Tell whether the token that was shown is of no use any more.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function needsFreshToken(code) {
  return code >= 4400 && code <= 4499;
}

/**
 * Tell what the server needs of those who come back.
 *
 * @param {number} code
 * @returns {import("./backoff.js").Pace | undefined}
 */
export function paceOf(code) {
  return PACES[code];
}
