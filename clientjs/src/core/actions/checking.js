/**
 * A connection that the gateway has accepted: whether the gateway can deliver, and whether the link is
 * alive.
 */

import { CloseCode } from "../../wire/contract.js";
import { pingFrame } from "../../wire/frames.js";
import { wait } from "./ending.js";

/** @typedef {import("../connection.js").Connection} Connection */

/** A page that wakes up sends a ping, unless something has arrived so recently. */
const RECENT_MS = 5000;

// The gateway has lost its connection to Redis.
/** @param {Connection} connection */
export function interrupt(connection) {
  connection.enter("interrupted", connection.attachment, connection.liveness.nextCheckMs());
}

/** @param {Connection} connection */
export function resume(connection) {
  connection.enter("connected", connection.attachment, connection.liveness.nextCheckMs());
}

// The same connection goes on over another transport (transports/move.js).
/** @param {Connection} connection */
export function changeTransport(connection) {
  connection.attachment.transport = /** @type {import("../../wire/socket.js").Socket} */ (
    connection.socket
  ).transport();
  connection.listener._enter(/** @type {any} */ (connection.state), connection.attachment);
}

/** @param {Connection} connection */
export function checkLink(connection) {
  askWhenQuiet(connection);
}

// After a sleep, or on another network, a link may be dead although nothing says so.
/** @param {Connection} connection */
export function probe(connection) {
  askWhenQuiet(connection, RECENT_MS);
}

/**
 * Send a ping if one is due. Reconnect if the last one was not answered.
 *
 * @param {Connection} connection
 * @param {number} [afterMs]  a ping is due after this silence
 */
function askWhenQuiet(connection, afterMs) {
  const liveness = connection.liveness;
  if (liveness.isDead()) {
    return wait(connection, { code: CloseCode.HEARTBEAT_TIMEOUT, reason: "no sign of life" });
  }
  if (liveness.isPingDue(afterMs)) {
    liveness.asked();
    /** @type {import("../../wire/socket.js").Socket} */ (connection.socket).send(pingFrame());
  }
  connection.setDeadline(liveness.nextCheckMs());
}
