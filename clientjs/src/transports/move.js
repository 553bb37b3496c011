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
const LONGEST_MS = 600000;

/** How long the WebSocket may take to open: nothing waits for it. */
const OPENING_MS = 15000;

/** How long the gateway may take to answer. The frames of the client wait. */
const ANSWER_MS = 4000;

/** How long the rest may take over HTTP. */
const ENDING_MS = 20000;

/** The gateway has no such session on this worker. Another WebSocket may reach the right one. */
const ELSEWHERE = 3000;
const MOST_WORKERS = 16;
const ELSEWHERE_MS = 500;

const PING = "move";

/** @type {import("../wire/socket.js").Close} */
const BROKEN = { code: 1006, reason: "the move to a WebSocket broke off" };

export class Move {
  /**
   * @param {MoveParts} parts
   */
  constructor(parts) {
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
   * @param {string} event
   * @param {any} [detail]
   */
  _dispatch(event, detail) {
    const action = TRANSITIONS[this.state][event];
    if (action) {
      action(this, detail);
    }
  }

  /** @param {string} text  a frame of the client */
  send(text) {
    if (this.state === "moved") {
      this._socket.send(JSON.stringify([text]));
    } else if (/^(resting|opening)$/.test(this.state)) {
      this._parts.session.send(text);
    } else {
      this._outgoing.push(text);
    }
  }

  /** Close the WebSocket, and do nothing more. */
  close() {
    this.state = "closed";
    this._drop();
  }

  /**
   * @param {string} state
   * @param {number} ms  until the event "timeout"
   */
  _enter(state, ms) {
    this.state = state;
    this._cancelTimer();
    this._cancelTimer = this._parts.clock.after(ms, () => {
      this._dispatch("timeout");
    });
  }

  // Clients that fell back together do not try together.
  /** @param {number} ms */
  _restFor(ms) {
    this._enter("resting", (ms * (1 + Math.random())) / 2);
  }

  _drop() {
    const socket = this._socket;
    this._socket = null;
    this._cancelTimer();
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  _flush() {
    const outgoing = this._outgoing;
    this._outgoing = [];
    for (let i = 0; i < outgoing.length; i++) {
      this.send(outgoing[i]);
    }
  }

  /** Follow the session over HTTP. */
  _follow() {
    const race = this._parts.race;
    const session = this._parts.session;
    session.onmessage = (/** @type {any} */ event) => {
      if (this.state === "asking" && isAnswer(event.data)) {
        this._dispatch("answered");
      } else if (race.onmessage) {
        race.onmessage(event);
      }
    };
    session.onclose = (/** @type {any} */ event) => {
      this._dispatch("ended", event);
    };
  }

  /** @param {string} packet  of SockJS */
  _receive(packet) {
    const kind = packet.charAt(0);
    if (kind === "o") {
      this._dispatch("opened");
    } else if (kind === "h") {
      this._dispatch("heartbeat");
    } else if (kind === "a") {
      const frames = JSON.parse(packet.slice(1));
      for (let i = 0; i < frames.length; i++) {
        this._dispatch(this.state === "requesting" ? "moved" : "frame", frames[i]);
      }
    }
  }
}

/**
 * What each state does on an event; all other events are ignored.
 *
 * @type {Object<string, Object<string, function(Move, any): void>>}
 */
export const TRANSITIONS = {
  resting: { timeout: open, ended: lose },
  opening: { opened: ask, failed: rest, timeout: rest, ended: lose },
  asking: { answered: request, failed: rest, timeout: rest, ended: lose },
  requesting: { moved: expectEnd, failed: rest, timeout: rest, ended: noteEnd },
  ending: { frame: hold, failed: loseMoved, timeout: loseMoved, ended: finish },
  moved: { frame: deliver, heartbeat: beat, failed: lose },
  closed: {}
};

/** @param {string} text */
function isAnswer(text) {
  return text.indexOf('"reply_to":"' + PING + '"') !== -1 && JSON.parse(text).type === "pong";
}

/** @param {Move} move */
function open(move) {
  const parts = move._parts;
  move._enter("opening", OPENING_MS);
  try {
    const socket = (move._socket = new parts.page.WebSocket(
      webSocketUrl(parts.session.address, parts.page.document.location)
    ));
    socket.onmessage = (/** @type {any} */ event) => {
      move._receive(event.data);
    };
    socket.onclose = (/** @type {any} */ event) => {
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
  const isElsewhere = !!close && close.code === ELSEWHERE && move._tries < MOST_WORKERS;
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
  const session = move._parts.session;
  move._enter("asking", ANSWER_MS);
  session.send(JSON.stringify({ type: "ping", id: PING, secret: session.secret }));
}

/** @param {Move} move */
function request(move) {
  const session = move._parts.session;
  const id = session.address.split("/").pop();
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
  const race = move._parts.race;
  const incoming = move._incoming;
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
  for (let i = 0; i < incoming.length; i++) {
    move._dispatch("frame", incoming[i]);
  }
}

/**
 * @param {Move} move
 * @param {string} frame
 */
function deliver(move, frame) {
  const race = move._parts.race;
  if (race.onmessage) {
    race.onmessage({ data: frame });
  }
}

/** @param {Move} move */
function beat(move) {
  const race = move._parts.race;
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
  const race = move._parts.race;
  move.close();
  if (race.onclose) {
    race.onclose(close);
  }
}
