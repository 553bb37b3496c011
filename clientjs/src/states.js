/**
 * The life of a connection, from the first token to the last reconnect.
 *
 * Strategy: a table says what each state does with what may happen; whatever a state does not
 * name comes too late and is ignored. Every state but "closed" has a deadline, so that none can
 * last for ever: "late" happens then. The page's handlers run inside of `enter`, and may
 * themselves close the connection: what an action does after that goes through the table again.
 */
import { CloseCode, isFailedAttempt, mayReconnect, needsFreshToken, paceOf } from "./closecodes.js";
import { connectFrame, refreshFrame } from "./frames.js";
import { Socket } from "./socket.js";

/**
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./socket.js").Close} Close
 *
 * @typedef {Object} Welcome
 * @property {string} connection
 * @property {string | null} user
 * @property {Object<string, any>} channels
 * @property {string} [rights]
 */

/** @type {Object<string, Object<string, function(Connection, any): void>>} */
export var TRANSITIONS = {
  closed: { connect: begin },
  seeking: { token: open, denied: deny, late: wait, offline: pause, close: end },
  opening: { opened: greet, lost: judge, late: wait, offline: pause, close: end },
  greeting: { welcomed: settle, lost: judge, late: wait, offline: pause, close: end },
  connected: {
    interrupted: doubt,
    asked: renew,
    token: show,
    denied: renewLater,
    lost: judge,
    late: listen,
    wake: listen,
    drained: seek,
    offline: pause,
    close: end
  },
  interrupted: {
    resumed: trust,
    asked: renew,
    token: show,
    denied: renewLater,
    lost: judge,
    late: listen,
    wake: listen,
    drained: seek,
    offline: pause,
    close: end
  },
  waiting: { late: seek, wake: seek, online: seek, connect: seek, offline: pause, close: end },
  offline: { online: seek, connect: seek, late: recheck, close: end }
};

/** What the page is told. @type {Object<string, import("./sockgate.js").State>} */
export var PUBLIC_STATES = {
  closed: "closed",
  seeking: "connecting",
  opening: "connecting",
  greeting: "connecting",
  connected: "connected",
  interrupted: "interrupted",
  waiting: "waiting",
  offline: "offline"
};

// The gateway gives a sign of life every 25 s.
var SILENCE_MS = 62500;

// SockJS tries one transport after another within "opening", each with a deadline of its own.
/** @type {Object<string, number>} */
export var DEADLINES_MS = {
  seeking: 20000,
  opening: 60000,
  greeting: 15000,
  connected: SILENCE_MS,
  interrupted: SILENCE_MS,
  offline: 30000
};

/** @type {Close} */
export var TOO_LATE = { code: 0, reason: "no answer in time" };

// What is done in a state when something happens.

/** @param {Connection} connection */
function begin(connection) {
  connection.wasRefused = false;
  connection.parts.backoff.reset();
  seek(connection);
}

/** @param {Connection} connection */
function seek(connection) {
  connection.release();
  connection.enter("seeking", {});
  askForToken(connection);
}

/** @param {Connection} connection */
function askForToken(connection) {
  connection.parts.tokens.get(function (failure, token) {
    connection.happen(failure ? "denied" : "token", failure || token);
  });
}

/**
 * @param {Connection} connection
 * @param {import("./token.js").Failure} failure
 */
function deny(connection, failure) {
  (failure.isFinal ? end : wait)(connection, failure);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
function open(connection, token) {
  connection.token = token;
  connection.enter("opening", {});
  try {
    connection.socket = new Socket(connection.parts.open(connection.parts.tokens.url), connection);
  } catch (/** @type {any} */ error) {
    end(connection, { code: 0, reason: error.message });
  }
}

/** @param {Connection} connection */
function greet(connection) {
  connection.enter("greeting", {});
  var recover = connection.parts.positions.recover(function (channel) {
    return connection.parts.subscriptions.asksFor(channel);
  });
  var frame = connectFrame(connection.token, recover);
  /** @type {Socket} */ (connection.socket).send(frame);
}

/**
 * @param {Connection} connection
 * @param {Welcome} welcome
 */
function settle(connection, welcome) {
  connection.wasRefused = false;
  connection.parts.backoff.reset();
  var socket = /** @type {Socket} */ (connection.socket);
  connection.attachment = {
    connection: welcome.connection,
    user: welcome.user,
    transport: socket.transport()
  };
  trust(connection);
  // A handler may have closed the connection.
  if (connection.socket === socket) {
    connection.parts.subscriptions.begin(socket, welcome.channels, welcome.rights);
  }
}

// The gateway has lost its way to Redis, or found it again.

/** @param {Connection} connection */
function doubt(connection) {
  connection.enter("interrupted", connection.attachment);
}

/** @param {Connection} connection */
function trust(connection) {
  connection.enter("connected", connection.attachment);
}

// Somebody has logged in: the gateway asks for a token that says who. The answer that brings the
// browser its new cookie may still be on its way; until then Django says "not now".

/** @param {Connection} connection */
function renew(connection) {
  connection.parts.tokens.drop();
  askForToken(connection);
}

/**
 * @param {Connection} connection
 * @param {string} token
 */
function show(connection, token) {
  connection.parts.backoff.reset();
  /** @type {Socket} */ (connection.socket).send(refreshFrame(token));
}

/**
 * @param {Connection} connection
 * @param {import("./token.js").Failure} failure
 */
function renewLater(connection, failure) {
  if (!failure.isFinal) {
    connection.renewAfter(connection.parts.backoff.next());
  }
}

/**
 * @param {Connection} connection
 * @param {Close} close
 */
function judge(connection, close) {
  if (needsFreshToken(close.code)) {
    refuse(connection, close);
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
function refuse(connection, close) {
  var isHopeless = connection.wasRefused || !connection.parts.tokens.canFetch();
  connection.wasRefused = true;
  connection.parts.tokens.drop();
  (isHopeless ? end : wait)(connection, close);
}

/**
 * @param {Connection} connection
 * @param {Close} why
 */
function wait(connection, why) {
  if (!connection.parts.network.isOnline()) {
    return pause(connection);
  }
  connection.release();
  var ms = connection.parts.backoff.next(paceOf(why.code));
  connection.enter("waiting", { ms: ms, code: why.code, reason: why.reason }, ms);
}

/** @param {Connection} connection */
function pause(connection) {
  connection.release();
  connection.enter("offline", {});
}

/** @param {Connection} connection */
function recheck(connection) {
  if (connection.parts.network.isOnline()) {
    seek(connection);
  } else {
    connection.expect(DEADLINES_MS.offline);
  }
}

/** @param {Connection} connection */
function listen(connection) {
  var silentMs = connection.parts.clock.now() - connection.heardAt;
  if (silentMs < SILENCE_MS) {
    connection.expect(SILENCE_MS - silentMs);
  } else {
    wait(connection, { code: CloseCode.HEARTBEAT_TIMEOUT, reason: "no sign of life" });
  }
}

/**
 * @param {Connection} connection
 * @param {Close} close
 */
function end(connection, close) {
  connection.release();
  connection.enter("closed", { code: close.code, reason: close.reason });
}
