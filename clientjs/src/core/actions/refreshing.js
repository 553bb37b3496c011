/**
 * Tokens for a connection: the first one, and fresh ones while it is connected.
 */
import { refreshFrame } from "../../wire/frames.js";

/** @typedef {import("../connection.js").Connection} Connection */

/** @param {Connection} connection */
export function getToken(connection) {
  connection.parts.tokens.get((failure, token) => {
    connection.dispatch(failure ? "failed" : "token", failure || token);
  });
}

/**
 * The gateway waits 10 s for the token that it has requested. A back-off that doubles would soon
 * wait longer than that, on a site that is slow to answer the login.
 */
const LONGEST_REFRESH_WAIT_MS = 1000;

// A user has logged in, and the gateway requests a token that names the user. The response that
// sets the browser's new cookie may still be on its way. Until then Django answers with a failure
// that is not final.
/** @param {Connection} connection */
export function fetchFreshToken(connection) {
  connection.parts.tokens.drop();
  getToken(connection);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
export function sendRefresh(connection, token) {
  connection.parts.backoff.reset();
  /** @type {import("../../wire/socket.js").Socket} */ (connection.socket).send(refreshFrame(token));
}

/**
 * @param {Connection} connection
 * @param {import("../../credentials/token.js").Failure} failure
 */
export function retryRefresh(connection, failure) {
  if (!failure.isFinal) {
    const ms = Math.min(connection.parts.backoff.next(), LONGEST_REFRESH_WAIT_MS);
    connection.dispatchAfter(ms, "refresh");
  }
}
