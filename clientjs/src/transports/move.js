/**
 * The move of a connection over HTTP to a WebSocket, behind the back of the client.
 *
 * Strategy: the way that has worked goes on while a WebSocket for the same SockJS session is tried now and then. Once one has
 * opened, the client's frames wait, a `ping` shows that the gateway has all earlier ones, and `move` asks the gateway to
 * continue there. It ends the session over HTTP behind its last frame. What arrives on the WebSocket is held until that end
 * has come, so every frame arrives once and in order. Whatever fails before `moved` changes nothing; what fails later is the
 * loss of the connection. docs/states.md has the table.
 */
import { nothing } from "../base/own.js";
import { webSocketUrl } from "./raw.js";

/**
 * @typedef {import("../wire/socket.js").SockJSLike} SockJSLike
 *
 * @typedef {Object} MoveParts
 * @property {import("./race.js").Race} race  the connection, as the client sees it
 * @property {any} session  of sockjs-client: open, with a secret
 * @property {any} page  a window
 * @property {import("../base/clock.js").Clock} clock
 * @property {number} afterMs  before the first attempt; half as much at least
 * @property {function(): void} moved
 */

/** Each failed attempt doubles the wait, up to this. */
var LONGEST_MS = 600000;

/** How long the WebSocket may take to open: nothing waits for it. */
var OPENING_MS = 15000;

/** How long the gateway may take to answer. The frames of the client wait. */
var ANSWER_MS = 4000;

/** How long the rest may take over HTTP. */
var ENDING_MS = 20000;

/** The gateway has no such session on this worker. Another WebSocket may reach the right one. */
var ELSEWHERE = 3000;
var MOST_WORKERS = 16;
var ELSEWHERE_MS = 500;

var PING = "move";

/** @type {import("../wire/socket.js").Close} */
var BROKEN = { code: 1006, reason: "the move to a WebSocket broke off" };

/**
 * @constructor
 * @param {MoveParts} parts
 */
export function Move(parts) {
  this._parts = parts;
  /** A key of TRANSITIONS. */
  this.state = "resting";
  this._waitMs = parts.afterMs;
  this._tries = 0;
  /** @type {any} */
  this._socket = null;
  this._cancelTimer = nothing;
  /** Frames of the client. @type {string[]} */
  this._outgoing = [];
  /** Frames that came over the WebSocket too early. @type {string[]} */
  this._incoming = [];
  this._hasEnded = false;
  this._follow();
  this._restFor(this._waitMs);
}

/**
 * What each state does on an event; all other events are ignored.
 *
 * @type {Object<string, Object<string, function(Move, any): void>>}
 */
export var TRANSITIONS = {
  resting: { timeout: open, ended: lose },
  opening: { opened: ask, failed: rest, timeout: rest, ended: lose },
  asking: { answered: request, failed: rest, timeout: rest, ended: lose },
  requesting: { moved: expectEnd, failed: rest, timeout: rest, ended: noteEnd },
  ending: { frame: hold, failed: loseMoved, timeout: loseMoved, ended: finish },
  moved: { frame: deliver, heartbeat: beat, failed: lose },
  closed: {}
};

/**
 * @param {string} event
 * @param {any} [detail]
 */
Move.prototype._dispatch = function (event, detail) {
  var action = TRANSITIONS[this.state][event];
  if (action) {
    action(this, detail);
  }
};

/** @param {string} text  a frame of the client */
Move.prototype.send = function (text) {
  if (this.state === "moved") {
    this._socket.send(JSON.stringify([text]));
  } else if (/^(resting|opening)$/.test(this.state)) {
    this._parts.session.send(text);
  } else {
    this._outgoing.push(text);
  }
};

/** Close the WebSocket, and do nothing more. */
Move.prototype.close = function () {
  this.state = "closed";
  this._drop();
};

/**
 * @param {string} state
 * @param {number} ms  until the event "timeout"
 */
Move.prototype._enter = function (state, ms) {
  var self = this;
  this.state = state;
  this._cancelTimer();
  this._cancelTimer = this._parts.clock.after(ms, function () {
    self._dispatch("timeout");
  });
};

// Clients that fell back together do not try together.
/** @param {number} ms */
Move.prototype._restFor = function (ms) {
  this._enter("resting", (ms * (1 + Math.random())) / 2);
};

Move.prototype._drop = function () {
  var socket = this._socket;
  this._socket = null;
  this._cancelTimer();
  if (socket) {
    socket.onmessage = socket.onclose = null;
    socket.close();
  }
};

Move.prototype._flush = function () {
  var outgoing = this._outgoing;
  this._outgoing = [];
  for (var i = 0; i < outgoing.length; i++) {
    this.send(outgoing[i]);
  }
};

/** Follow the session over HTTP. */
Move.prototype._follow = function () {
  var self = this;
  var race = this._parts.race;
  var session = this._parts.session;
  session.onmessage = function (/** @type {any} */ event) {
    if (self.state === "asking" && isAnswer(event.data)) {
      self._dispatch("answered");
    } else if (race.onmessage) {
      race.onmessage(event);
    }
  };
  session.onclose = function (/** @type {any} */ event) {
    self._dispatch("ended", event);
  };
};

/** @param {string} packet  of SockJS */
Move.prototype._receive = function (packet) {
  var kind = packet.charAt(0);
  if (kind === "o") {
    this._dispatch("opened");
  } else if (kind === "h") {
    this._dispatch("heartbeat");
  } else if (kind === "a") {
    var frames = JSON.parse(packet.slice(1));
    for (var i = 0; i < frames.length; i++) {
      this._dispatch(this.state === "requesting" ? "moved" : "frame", frames[i]);
    }
  }
};

/** @param {string} text */
function isAnswer(text) {
  return text.indexOf('"reply_to":"' + PING + '"') !== -1 && JSON.parse(text).type === "pong";
}

/** @param {Move} move */
function open(move) {
  var parts = move._parts;
  move._enter("opening", OPENING_MS);
  try {
    var socket = (move._socket = new parts.page.WebSocket(webSocketUrl(parts.session.address, parts.page.document.location)));
    socket.onmessage = function (/** @type {any} */ event) {
      move._receive(event.data);
    };
    socket.onclose = function (/** @type {any} */ event) {
      move._socket = null;
      move._dispatch("failed", event);
    };
    socket.onerror = nothing;
  } catch (error) {
    rest(move);
  }
}

/**
 * @param {Move} move
 * @param {any} [close]
 */
function rest(move, close) {
  var isElsewhere = !!close && close.code === ELSEWHERE && move._tries < MOST_WORKERS;
  move._drop();
  if (isElsewhere) {
    move._tries += 1;
  } else {
    move._tries = 0;
    move._waitMs = Math.min(move._waitMs * 2, LONGEST_MS);
  }
  move._restFor(isElsewhere ? ELSEWHERE_MS : move._waitMs);
  move._flush();
  // The session has ended behind a `moved` that never came.
  if (move._hasEnded) {
    lose(move, BROKEN);
  }
}

/** @param {Move} move */
function ask(move) {
  var session = move._parts.session;
  move._enter("asking", ANSWER_MS);
  session.send(JSON.stringify({ type: "ping", id: PING, secret: session.secret }));
}

/** @param {Move} move */
function request(move) {
  var session = move._parts.session;
  var id = session.address.split("/").pop();
  move._enter("requesting", ANSWER_MS);
  move._socket.send(JSON.stringify([JSON.stringify({ type: "move", session: id, secret: session.secret })]));
}

/** @param {Move} move */
function expectEnd(move) {
  move._enter("ending", ENDING_MS);
  if (move._hasEnded) {
    finish(move);
  }
}

/**
 * @param {Move} move
 * @param {any} close
 */
function noteEnd(move, close) {
  if (!isMoved(close)) {
    return lose(move, close);
  }
  move._hasEnded = true;
}

/** @param {any} close */
function isMoved(close) {
  return !close || close.reason === "moved";
}

/**
 * @param {Move} move
 * @param {string} frame
 */
function hold(move, frame) {
  move._incoming.push(frame);
}

/**
 * @param {Move} move
 * @param {any} [close]  of the session over HTTP
 */
function finish(move, close) {
  if (!isMoved(close)) {
    return lose(move, close);
  }
  var race = move._parts.race;
  var incoming = move._incoming;
  move._incoming = [];
  move._cancelTimer();
  move.state = "moved";
  race.transport = "websocket";
  race.secret = null;
  move._parts.moved();
  move._flush();
  if (race.onopen) {
    race.onopen({});
  }
  // A handler may close the connection.
  for (var i = 0; i < incoming.length; i++) {
    move._dispatch("frame", incoming[i]);
  }
}

/**
 * @param {Move} move
 * @param {string} frame
 */
function deliver(move, frame) {
  var race = move._parts.race;
  if (race.onmessage) {
    race.onmessage({ data: frame });
  }
}

/** @param {Move} move */
function beat(move) {
  var race = move._parts.race;
  if (race.onheartbeat) {
    race.onheartbeat({});
  }
}

/** @param {Move} move */
function loseMoved(move) {
  lose(move, BROKEN);
}

/**
 * @param {Move} move
 * @param {any} close
 */
function lose(move, close) {
  var race = move._parts.race;
  move.close();
  if (race.onclose) {
    race.onclose(close);
  }
}
