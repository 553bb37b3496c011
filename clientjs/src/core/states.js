/**
 * The states of a connection, from the first token to the last reconnect.
 *
 * Strategy: the table has an action for each event that a state handles. An event that a state does
 * not name is stale, and is ignored. Every state but "closed" has a deadline, after which the event
 * "timeout" occurs, so that no state lasts for ever. The page's handlers run inside `enter` and may
 * close the connection. An action that goes on after `enter` must allow for that.
 */
import { changeTransport, checkLink, interrupt, probe, resume } from "./actions/checking.js";
import { end, handleClose, pause, wait } from "./actions/ending.js";
import {
  fetchToken,
  handleAccept,
  handleTokenFailure,
  openSocket,
  sendConnect,
  start,
  tryNextWay
} from "./actions/opening.js";
import { fetchFreshToken, retryRefresh, sendRefresh } from "./actions/refreshing.js";

/**
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("../wire/socket.js").Close} Close
 */

/** The gateway has accepted. @type {Object<string, function(Connection, any): void>} */
const ATTACHED = {
  opened: changeTransport,
  interrupted: interrupt,
  resumed: resume,
  refresh: fetchFreshToken,
  token: sendRefresh,
  failed: retryRefresh,
  lost: handleClose,
  timeout: checkLink,
  wake: probe,
  online: probe,
  drained: fetchToken,
  offline: pause,
  close: end
};

/** @type {Object<string, Object<string, function(Connection, any): void>>} */
export const TRANSITIONS = {
  closed: { connect: start },
  fetching: { token: openSocket, failed: handleTokenFailure, timeout: wait, offline: pause, close: end },
  opening: { opened: sendConnect, lost: handleClose, timeout: wait, offline: pause, close: end },
  greeting: { accepted: handleAccept, lost: handleClose, timeout: tryNextWay, offline: pause, close: end },
  connected: ATTACHED,
  interrupted: ATTACHED,
  waiting: {
    timeout: fetchToken,
    wake: fetchToken,
    online: fetchToken,
    connect: fetchToken,
    offline: pause,
    close: end
  },
  offline: { online: fetchToken, connect: fetchToken, timeout: fetchToken, close: end }
};

/** States that are "connecting" in `rt.state`. All others have the same name there. */
const CONNECTING = /^(fetching|opening|greeting)$/;

// Within "opening", one way to connect is tried after another (transports/race.js). All other deadlines
// are computed on entering the state.
/** @type {Object<string, number>} */
export const DEADLINES_MS = {
  fetching: 20000,
  opening: 20000
};

/** @type {Close} */
export const TIMED_OUT = { code: 0, reason: "no answer in time" };

/**
 * @param {string} state
 * @returns {import("../sockgate.js").State} the value of `rt.state`
 */
export function publicState(state) {
  return /** @type {any} */ (CONNECTING.test(state) ? "connecting" : state);
}
