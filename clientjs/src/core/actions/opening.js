/**
 * An attempt to connect, from the token to the answer of the gateway.
 */

import { connectFrame } from "../../wire/frames.js";
import { Socket } from "../../wire/socket.js";
import { resume } from "./checking.js";
import { end, wait } from "./ending.js";
import { getToken } from "./refreshing.js";

/**
 * @typedef {import("../connection.js").Connection} Connection
 * @typedef {import("../../wire/socket.js").Close} Close
 *
 * @typedef {Object} ConnectedFrame
 * @property {string} connection
 * @property {string | null} user
 * @property {Object<string, any>} channels
 * @property {string} [rights]
 * @property {number} [heartbeat]  seconds between two heartbeats
 */

/** @param {Connection} connection */
export function start(connection) {
  reset(connection);
  fetchToken(connection);
}

/** @param {Connection} connection */
function reset(connection) {
  connection.wasRefused = false;
  connection.failures = 0;
  connection.parts.backoff.reset();
}

/** @param {Connection} connection */
export function fetchToken(connection) {
  connection.release();
  connection.enter("fetching", {});
  getToken(connection);
}

/**
 * @param {Connection} connection
 * @param {import("../../credentials/token.js").Failure} failure
 */
export function handleTokenFailure(connection, failure) {
  (failure.isFinal ? end : wait)(connection, failure);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
export function openSocket(connection, token) {
  connection.token = token;
  connection.enter("opening", {});
  try {
    connection.socket = new Socket(open(connection), connection);
  } catch (/** @type {any} */ error) {
    end(connection, { code: 0, reason: error.message });
  }
  // While the gateway is away, Django is not asked at each attempt. Those that come back wait for its window.
  if (connection.socket && !connection.failures && !connection.attachment) {
    connection.parts.subscriptions.prefetch();
  }
}

// A page that was connected keeps to the way that has worked, until two attempts have failed. The loss
// of the connection is the first failure.
/** @param {Connection} connection */
function open(connection) {
  const isProven = !!connection.attachment && connection.failures < 3;
  return connection.parts.opener.open(connection.parts.tokens.url, isProven);
}

/** @param {Connection} connection */
export function sendConnect(connection) {
  connection.enter("greeting", {}, connection.parts.opener.greetingMs());
  const recover = connection.parts.positions.recover((channel) => connection.parts.subscriptions.isRequested(channel));
  const frame = connectFrame(connection.token, recover);
  const socket = /** @type {Socket} */ (connection.socket);
  connection.liveness.asked();
  socket.send(frame);
  connection.parts.subscriptions.begin(socket);
}

/**
 * @param {Connection} connection
 * @param {Close} why
 */
export function tryNextWay(connection, why) {
  if (connection.parts.opener.unanswered()) {
    connection.release();
    openSocket(connection, connection.token);
  } else {
    wait(connection, why);
  }
}

/**
 * @param {Connection} connection
 * @param {ConnectedFrame} frame
 */
export function handleAccept(connection, frame) {
  reset(connection);
  connection.parts.opener.accepted();
  const socket = /** @type {Socket} */ (connection.socket);
  connection.liveness.expectHeartbeats(frame.heartbeat);
  connection.measure();
  connection.attachment = {
    connection: frame.connection,
    user: frame.user,
    transport: socket.transport()
  };
  resume(connection);
  // A handler may have closed the connection.
  if (connection.socket === socket) {
    connection.parts.subscriptions.attach(socket, frame.channels, frame.rights);
  }
}
