/**
 * A tab's end of the shared connection, with the interface of sockjs-client.
 *
 * Messages of a tab: `open`, `send`, `close`; `held`, the name of a lock that the tab holds while it lives; `alive`,
 * a question. Messages of the hub: `opened`, `transport`, `frame`, `closed`; `alive`, its answer.
 *
 * Strategy: the tab asks every few seconds whether the hub is there, because a worker may crash or freeze
 * without notice. When the hub is lost, the tab receives a `drain` frame from here: the client then connects
 * again at once, from its positions.
 */

/**
 * @typedef {Object} Dialer  a way to the hub
 * @property {function(SharedSocket): import("./tab.js").Pipe} dial
 *     the pipe calls `received`, and `lost` when its hub is gone
 * @property {function(): void} failed  the hub does not answer
 * @property {boolean} isBroken  the browser refuses this way
 *
 * @typedef {Object} SocketParts
 * @property {function(): Dialer | null} nextDialer  null: there is no way to a hub
 * @property {import("../base/clock.js").Clock} clock
 * @property {any} locks  of the browser, or undefined
 * @property {any} hello  the message `open`
 * @property {function(string): void} remember  keeps which way has worked, for the hub of later
 */

/** A worker may have to load its script. */
const PATIENCE_MS = 4000;
const ASK_MS = 3000;
const ANSWER_MS = 2000;
/** A timer that is so late was suspended with the whole page. */
const LATE_MS = 1000;

const LOST = { code: 1006, reason: "the shared connection is lost" };
const DRAIN = '{"type":"drain","within":0}';

let lastLock = 0;

export class SharedSocket {
  /** @param {SocketParts} parts */
  constructor(parts) {
    this._parts = parts;
    this.transport = "";
    /** @type {((event: any) => void) | null} */
    this.onopen = null;
    /** @type {((event: any) => void) | null} */
    this.onmessage = null;
    /** @type {((event: any) => void) | null} */
    this.onclose = null;
    this._isOpen = false;
    /** The `connected` frame is on its way. */
    this._isWelcome = false;
    this._isOver = false;
    this._cancelTimer = nothing;
    this._release = nothing;
    /** @type {Dialer | null} */
    this._dialer = null;
    /** @type {import("./tab.js").Pipe | null} */
    this._pipe = null;
    this.dial();
  }

  /**
   * Call the hub, or the next one after a failure.
   *
   * @returns {void}
   */
  dial() {
    this._hangUp();
    this._dialer = this._parts.nextDialer();
    if (!this._dialer) {
      return this._finish({ code: 2000, reason: "no shared connection" });
    }
    try {
      this._pipe = this._dialer.dial(this);
    } catch (error) {
      this._dialer.isBroken = true;
      return this.dial();
    }
    this._pipe.post(this._parts.hello);
    this._wait(PATIENCE_MS, () => this._fail());
  }

  /** @param {string} text */
  send(text) {
    if (this._pipe) {
      this._pipe.post({ type: "send", text });
    }
  }

  /** Close. */
  close() {
    this._hangUp();
    this._isOver = true;
  }

  /** @param {any} message  of the hub */
  received(message) {
    if (this._isOver) {
      return;
    }
    if (message.type === "opened") {
      this._open();
    } else if (message.type === "transport") {
      this._parts.remember(String(message.remembered || ""));
      this._setTransport(message.name);
    } else if (message.type === "frame" && this.onmessage) {
      this.onmessage({ data: message.text });
    } else if (message.type === "closed") {
      this._finish({ code: message.code, reason: message.reason });
    }
    // A handler may have closed the socket.
    if (this._isOpen && !this._isOver) {
      this._askLater();
    }
  }

  /** The hub cannot be started, or it has crashed. */
  gone() {
    if (this._isOpen) {
      this.lost();
    } else if (!this._isOver) {
      this._fail();
    }
  }

  /** The hub is gone. */
  lost() {
    if (this._isWelcome && this.onmessage) {
      this._hangUp();
      this.onmessage({ data: DRAIN });
    } else if (this._isOpen && !this._isOver) {
      // A client that has no welcome yet does not handle the frame.
      this._finish(LOST);
    }
  }

  _open() {
    if (!this._isOpen) {
      this._isOpen = true;
      this._holdLock();
      call(this.onopen, {});
    }
  }

  // The race between the ways to connect reads the name when a way opens.
  /** @param {string} name */
  _setTransport(name) {
    this.transport = name;
    this._isWelcome = true;
    call(this.onopen, {});
  }

  _askLater() {
    this._wait(ASK_MS, () => this._ask());
  }

  _ask() {
    if (this._pipe) {
      this._pipe.post({ type: "alive" });
      this._wait(ANSWER_MS, () => this._fail());
    }
  }

  _fail() {
    const dialer = this._dialer;
    if (dialer) {
      dialer.failed();
    }
    this._isOpen ? this.lost() : this.dial();
  }

  /**
   * @param {number} ms
   * @param {function(): void} callback
   */
  _wait(ms, callback) {
    const { clock } = this._parts;
    const dueAt = clock.now() + ms;
    this._cancelTimer();
    this._cancelTimer = clock.after(ms, () => {
      const isLate = this._isOpen && clock.now() > dueAt + LATE_MS;
      isLate ? this._ask() : callback();
    });
  }

  // The browser releases it when the page is closed or crashes.
  _holdLock() {
    const { locks } = this._parts;
    const pipe = this._pipe;
    if (!locks || !pipe) {
      return;
    }
    const lock = "sockgate-tab-" + Math.random().toString(36).slice(2) + (lastLock += 1);
    /** @type {Promise<void>} */
    const held = new Promise((resolve) => {
      this._release = resolve;
    });
    locks
      .request(lock, () => {
        pipe.post({ type: "held", lock });
        return held;
      })
      .catch(nothing);
  }

  /** @param {import("../wire/socket.js").Close} close */
  _finish(close) {
    this._hangUp();
    this._isOver = true;
    // The owner sets its handlers after the constructor has returned.
    this._parts.clock.after(0, () => call(this.onclose, close));
  }

  _hangUp() {
    const pipe = this._pipe;
    this._pipe = null;
    this._cancelTimer();
    this._release();
    if (pipe) {
      pipe.post({ type: "close" });
      pipe.close();
    }
  }
}

/**
 * @param {((event: any) => void) | null} handler
 * @param {any} event
 */
function call(handler, event) {
  if (handler) {
    handler(event);
  }
}

function nothing() {}
