/**
 * The end of a connection, and what follows: another attempt, or none.
 */

import { explain, mayReconnect, needsFreshToken, paceOf } from "../../wire/closecodes.js";

/** The end of a reason that says when to come back. */
const COME_BACK = /(\d+) s$/;

/**
 * @typedef {import("../connection.js").Connection} Connection
 * @typedef {import("../../wire/socket.js").Close} Close
 */

/**
 * @param {Connection} connection
 * @param {Close} close
 */
export function handleClose(connection, close) {
  if (needsFreshToken(close.code)) {
    replaceToken(connection, close);
  } else if (mayReconnect(close.code)) {
    wait(connection, close);
  } else {
    end(connection, close);
  }
}

/**
 * @param {Connection} connection
 * @param {Close} close
 */
function replaceToken(connection, close) {
  // While all signing keys are replaced, Django may sign with a former one for a while.
  const isAgain = connection.wasRefused && !COME_BACK.test(close.reason);
  const isFinal = isAgain || !connection.parts.tokens.canFetch();
  connection.wasRefused = true;
  connection.parts.tokens.drop();
  (isFinal ? end : wait)(connection, close);
}

/**
 * @param {Connection} connection
 * @param {Close} why
 */
export function wait(connection, why) {
  if (!connection.parts.network.isOnline()) {
    return pause(connection);
  }
  connection.failures += 1;
  // While the gateway restarts, a page that has been connected gives no warning.
  if (connection.failures === (connection.attachment ? 6 : 3)) {
    connection.parts.warn("cannot connect: " + explain(why));
  }
  connection.release();
  // A busy gateway says when to come back. Its clients return a little apart.
  const named = COME_BACK.exec(why.reason);
  let ms = connection.parts.backoff.next(paceOf(why.code));
  if (named) {
    ms = Number(named[1]) * 250 * (4 + connection.parts.random());
  }
  connection.enter("waiting", { ms, code: why.code, reason: why.reason }, ms);
}

// `navigator.onLine` may be wrong, for a gateway on this computer, behind a VPN or in a virtual
// machine. So the client still tries again while offline.
/** @param {Connection} connection */
export function pause(connection) {
  connection.release();
  connection.enter("offline", {}, connection.parts.backoff.next());
}

/**
 * @param {Connection} connection
 * @param {Close & {isExpected?: boolean}} close
 */
export function end(connection, close) {
  connection.release();
  if (!close.isExpected) {
    connection.parts.warn("closed: " + explain(close));
  }
  connection.enter("closed", { code: close.code, reason: close.reason });
}
