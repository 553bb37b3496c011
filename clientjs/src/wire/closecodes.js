/**
 * Whether a client reconnects after a close code (contract.js), and how soon.
 *
 * 3000-3499 and 4000-4499 mean "reconnect", 3500-3999 and 4500-4999 mean "do not"; 4400-4499
 * mean that the token was refused. Codes below 3000 belong to RFC 6455 section 7.4.1, and some to
 * sockjs-client. A client reconnects after those that mean an accident.
 */

import { isForOldBrowsers } from "../base/age.js";
import { DOCUMENTATION } from "./contract.js";
import { HINTS } from "./hints.js";

/** Accidents of RFC 6455, failed attempts of sockjs-client, and the two ranges. */
const RECONNECT = /^(10(0[1256]|1[1-4])|20(0[07]|10)|[34][0-4]..)$/;

/** Codes of sockjs-client itself, for an attempt that failed. */
export const SockJSCode = {
  CANNOT_CONNECT: 1002,
  ALL_TRANSPORTS_FAILED: 2000,
  TRANSPORT_TIMEOUT: 2007,
  ALREADY_OPEN: 2010
};

/** @type {import("../core/backoff.js").Pace} */
const AFTER_OVERLOAD = { floorMs: 5000, spreadMs: 10000 };

/** @type {import("../core/backoff.js").Pace} */
const AFTER_OUTAGE = { floorMs: 2000, spreadMs: 5000 };

/** By close code, or by HTTP status of the token endpoint. @type {Object<number, import("../core/backoff.js").Pace>} */
const PACES = {
  429: AFTER_OVERLOAD,
  503: AFTER_OUTAGE,
  // DRAIN, OVERLOADED, UNAVAILABLE
  3001: { floorMs: 0, spreadMs: 3000 },
  3002: AFTER_OVERLOAD,
  3003: AFTER_OUTAGE
};

/**
 * Explain why a connection was closed or failed.
 *
 * @param {import("./socket.js").Close} close
 * @returns {string} code, reason, what to do, and where the documentation has more
 */
export function explain(close) {
  // The small script has no hints. In DEBUG the badge has them.
  const hint = isForOldBrowsers && HINTS[close.code];
  return (
    close.code +
    " " +
    close.reason +
    ". " +
    (hint ? "Check " + hint + ". " : "") +
    "Run manage.py sockgate_doctor. " +
    DOCUMENTATION +
    "troubleshooting.html#close-" +
    close.code
  );
}

/**
 * Whether a client reconnects after a code that the server sent, or with which sockjs-client has failed.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function mayReconnect(code) {
  return RECONNECT.test("" + code);
}

/**
 * Whether the token was refused, so that a fresh one is needed.
 *
 * @param {number} code
 * @returns {boolean}
 */
export function needsFreshToken(code) {
  return /^44..$/.test("" + code);
}

/**
 * The pace at which clients reconnect after a code.
 *
 * @param {number} code
 * @returns {import("../core/backoff.js").Pace | undefined}
 */
export function paceOf(code) {
  return PACES[code];
}
