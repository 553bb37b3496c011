/**
 * The states of a connection, from the first token to the last reconnect.
 *
 * Strategy: the table has an action for each event that a state handles. An event that a state does
 * not name is stale, and is ignored. Every state but "closed" has a deadline, after which the event
 * "timeout" occurs, so that no state lasts for ever. The page's handlers run inside `enter` and may
 * close the connection. An action that goes on after `enter` must allow for that.
 */
import { CloseCode, explain, isFailedAttempt, mayReconnect, needsFreshToken, paceOf } from "./closecodes.js";
import { connectFrame, pingFrame, refreshFrame } from "./frames.js";
import { Socket } from "./socket.js";

/**
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./socket.js").Close} Close
 *
 * @typedef {Object} ConnectedFrame
 * @property {string} connection
 * @property {string | null} user
 * @property {Object<string, any>} channels
 * @property {string} [rights]
 * @property {number} [heartbeat]  seconds between two heartbeats
 */

/** @type {Object<string, Object<string, function(Connection, any): void>>} */
export var TRANSITIONS = {
  closed: { connect: start },
  fetching: { token: openSocket, failed: handleTokenFailure, timeout: wait, offline: pause, close: end },
  opening: { opened: sendConnect, lost: handleClose, timeout: wait, offline: pause, close: end },
  greeting: { accepted: handleAccept, lost: handleClose, timeout: tryNextWay, offline: pause, close: end },
  connected: {
    interrupted: interrupt,
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
  },
  interrupted: {
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
  },
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

/** The value of `rt.state`. @type {Object<string, import("./sockgate.js").State>} */
export var PUBLIC_STATES = {
  closed: "closed",
  fetching: "connecting",
  opening: "connecting",
  greeting: "connecting",
  connected: "connected",
  interrupted: "interrupted",
  waiting: "waiting",
  offline: "offline"
};

/** A page that wakes up sends a ping, unless something has arrived so recently. */
var RECENT_MS = 5000;

// Within "opening", one way to connect is tried after another (transports/race.js). All other deadlines
// are computed on entering the state.
/** @type {Object<string, number>} */
export var DEADLINES_MS = {
  fetching: 20000,
  opening: 20000
};

/** @type {Close} */
export var TIMED_OUT = { code: 0, reason: "no answer in time" };

// Actions.

/** @param {Connection} connection */
function start(connection) {
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
function fetchToken(connection) {
  connection.release();
  connection.enter("fetching", {});
  getToken(connection);
}

/** @param {Connection} connection */
function getToken(connection) {
  connection.parts.tokens.get(function (failure, token) {
    connection.dispatch(failure ? "failed" : "token", failure || token);
  });
}

/**
 * @param {Connection} connection
 * @param {import("./token.js").Failure} failure
 */
function handleTokenFailure(connection, failure) {
  (failure.isFinal ? end : wait)(connection, failure);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
function openSocket(connection, token) {
  connection.token = token;
  connection.enter("opening", {});
  try {
    connection.socket = new Socket(open(connection), connection);
  } catch (/** @type {any} */ error) {
    end(connection, { code: 0, reason: error.message });
  }
  // While the gateway is away, Django is not asked at each attempt.
  if (connection.socket && connection.failures === 0) {
    connection.parts.subscriptions.prefetch();
  }
}

// A page that was connected keeps to the way that has worked, until two attempts have failed. The loss
// of the connection is the first failure.
/** @param {Connection} connection */
function open(connection) {
  var isProven = !!connection.attachment && connection.failures < 3;
  return connection.parts.opener.open(connection.parts.tokens.url, isProven);
}

/** @param {Connection} connection */
function sendConnect(connection) {
  connection.enter("greeting", {}, connection.parts.opener.greetingMs());
  var recover = connection.parts.positions.recover(function (channel) {
    return connection.parts.subscriptions.isRequested(channel);
  });
  var frame = connectFrame(connection.token, recover);
  var socket = /** @type {Socket} */ (connection.socket);
  connection.liveness.asked();
  socket.send(frame);
  connection.parts.subscriptions.begin(socket);
}

/**
 * @param {Connection} connection
 * @param {Close} why
 */
function tryNextWay(connection, why) {
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
function handleAccept(connection, frame) {
  reset(connection);
  connection.parts.opener.accepted();
  var socket = /** @type {Socket} */ (connection.socket);
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

// The gateway has lost its connection to Redis.
/** @param {Connection} connection */
function interrupt(connection) {
  connection.enter("interrupted", connection.attachment, connection.liveness.nextCheckMs());
}

/** @param {Connection} connection */
function resume(connection) {
  connection.enter("connected", connection.attachment, connection.liveness.nextCheckMs());
}

/**
 * The gateway waits 10 s for the token that it has requested. A back-off that doubles would soon
 * wait longer than that, on a site that is slow to answer the login.
 */
var LONGEST_REFRESH_WAIT_MS = 1000;

// A user has logged in, and the gateway requests a token that names the user. The response that
// sets the browser's new cookie may still be on its way. Until then Django answers with a failure
// that is not final.
/** @param {Connection} connection */
function fetchFreshToken(connection) {
  connection.parts.tokens.drop();
  getToken(connection);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
function sendRefresh(connection, token) {
  connection.parts.backoff.reset();
  /** @type {Socket} */ (connection.socket).send(refreshFrame(token));
}

/**
 * @param {Connection} connection
 * @param {import("./token.js").Failure} failure
 */
function retryRefresh(connection, failure) {
  if (!failure.isFinal) {
    connection.refreshAfter(Math.min(connection.parts.backoff.next(), LONGEST_REFRESH_WAIT_MS));
  }
}

/**
 * @param {Connection} connection
 * @param {Close} close
 */
function handleClose(connection, close) {
  if (needsFreshToken(close.code)) {
    replaceToken(connection, close);
  } else if (mayReconnect(close.code) || isFailedAttempt(close.code)) {
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
  var isFinal = connection.wasRefused || !connection.parts.tokens.canFetch();
  connection.wasRefused = true;
  connection.parts.tokens.drop();
  (isFinal ? end : wait)(connection, close);
}

/**
 * @param {Connection} connection
 * @param {Close} why
 */
function wait(connection, why) {
  if (!connection.parts.network.isOnline()) {
    return pause(connection);
  }
  connection.failures += 1;
  // While the gateway restarts, a page that has been connected gives no warning.
  if (connection.failures === (connection.attachment ? 6 : 3)) {
    connection.parts.warn("cannot connect: " + explain(why));
  }
  connection.release();
  var ms = connection.parts.backoff.next(paceOf(why.code));
  connection.enter("waiting", { ms: ms, code: why.code, reason: why.reason }, ms);
}

// `navigator.onLine` may be wrong, for a gateway on this computer, behind a VPN or in a virtual
// machine. So the client still tries again while offline.
/** @param {Connection} connection */
function pause(connection) {
  connection.release();
  connection.enter("offline", {}, connection.parts.backoff.next());
}

/** @param {Connection} connection */
function checkLink(connection) {
  askWhenQuiet(connection);
}

// After a sleep, or on another network, a link may be dead although nothing says so.
/** @param {Connection} connection */
function probe(connection) {
  askWhenQuiet(connection, RECENT_MS);
}

/**
 * Send a ping if one is due. Reconnect if the last one was not answered.
 *
 * @param {Connection} connection
 * @param {number} [afterMs]  a ping is due after this silence
 */
function askWhenQuiet(connection, afterMs) {
  var liveness = connection.liveness;
  if (liveness.isDead()) {
    return wait(connection, { code: CloseCode.HEARTBEAT_TIMEOUT, reason: "no sign of life" });
  }
  if (liveness.isPingDue(afterMs)) {
    liveness.asked();
    /** @type {Socket} */ (connection.socket).send(pingFrame());
  }
  connection.setDeadline(liveness.nextCheckMs());
}

/**
 * @param {Connection} connection
 * @param {Close & {isExpected?: boolean}} close
 */
function end(connection, close) {
  connection.release();
  if (!close.isExpected) {
    connection.parts.warn("closed: " + explain(close));
  }
  connection.enter("closed", { code: close.code, reason: close.reason });
}
