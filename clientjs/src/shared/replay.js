/**
 * What one tab has missed, when the shared connection does not have it: read over a second connection, which ends
 * as soon as it has arrived.
 *
 * A tab that returns from the back/forward cache, or from a long sleep, may need it. The other tabs are not
 * disturbed, and a position that the gateway's history does not reach costs nobody else a `gap`.
 */
import { needsFreshToken } from "../wire/closecodes.js";
import { subscribeFrame } from "../wire/frames.js";
import { infoOf } from "./channel.js";
import { Link } from "./link.js";
import { GOING_AWAY } from "./tab.js";

/**
 * @typedef {import("../wire/frames.js").Position} Position
 * @typedef {import("../wire/frames.js").Recover} Recover
 * @typedef {import("./channel.js").SharedChannel} SharedChannel
 * @typedef {import("./tab.js").Tab} Tab
 *
 * @typedef {Object} Wanted
 * @property {Object<string, Recover>} connect  what to recover of channels that the gateway subscribes by itself
 * @property {any} subscribe  the `subscribe` frame of one channel, or null
 *
 * @typedef {function(any, Replay): void} Callback  receives an `error` frame, or null, and the replay
 */

const ID = 1;
const END_ID = 2;
/** The answer to it comes behind all that the gateway has for this connection. A `pong` may overtake publications. */
const END = JSON.stringify({ type: "unsubscribe", channel: "-", id: END_ID });

/** Time without a publication after which the end is requested. */
const QUIET_MS = 5000;

const MAX_REPLAYS = 4;

const UNAVAILABLE = { type: "error", code: "unavailable", message: "try again later" };

/** Replays, a few at a time: each is a connection of its own. */
export class Replays {
  /** @param {import("./upstream.js").Upstream} upstream */
  constructor(upstream) {
    this._upstream = upstream;
    /** @type {Array<function(): void>} */
    this._waiting = [];
    this._running = 0;
  }

  /**
   * Replay what a tab has missed.
   *
   * @param {Tab} tab
   * @param {Wanted} wanted
   * @param {Callback} callback
   */
  add(tab, wanted, callback) {
    this._waiting.push(() => this._start(tab, wanted, callback));
    this._startNext();
  }

  _startNext() {
    const start = this._running < MAX_REPLAYS && this._waiting.shift();
    if (start) {
      start();
      this._startNext();
    }
  }

  /**
   * @param {Tab} tab
   * @param {Wanted} wanted
   * @param {Callback} callback
   */
  _start(tab, wanted, callback) {
    const { hub, url, channels, isOver } = this._upstream;
    if (tab.isOver || isOver) {
      return;
    }
    const parts = { opener: hub.makeOpener(tab.settings), clock: hub.clock, url, isProven: true, token: tab.token };
    this._running += 1;
    const replay = new Replay(parts, wanted, channels, (error, close) => {
      tab.replays.delete(replay);
      this._running -= 1;
      this._startNext();
      // For a tab, the hub is the gateway: the tab tries again from its position, with a fresh token if it needs one.
      if (close && needsFreshToken(close.code)) {
        tab.close(close);
      } else if (error && !wanted.subscribe) {
        tab.close(GOING_AWAY);
      } else {
        callback(error, replay);
      }
    });
    tab.replays.add(replay);
  }
}

/**
 * Strategy: no deadline decides. A replay is complete when the publications that the shared connection has kept
 * follow on the last one here. It fails with the gateway's rejection, or with the end of its connection; then the tab
 * tries again from its position. Only the gateway says that something is lost.
 *
 * Offsets that the gateway cannot deliver (docs/recovery.md) may separate the two for ever. So after a silence the
 * replay requests an answer that comes behind everything else.
 */
export class Replay {
  /**
   * @param {Omit<import("./link.js").LinkParts, "recover">} parts
   * @param {Wanted} wanted
   * @param {{of: function(string): SharedChannel | undefined}} channels  of the shared connection
   * @param {function(any, import("../wire/socket.js").Close=): void} ended
   *     receives an `error` frame, or null, and the end of the connection if that is the cause
   */
  constructor(parts, wanted, channels, ended) {
    this._wanted = wanted;
    this._channels = channels;
    this._ended = ended;
    this._names = Object.keys(wanted.connect).concat(wanted.subscribe ? wanted.subscribe.channel : []);
    this._clock = parts.clock;
    /** What the gateway says of each channel. @type {Map<string, any>} */
    this._infos = new Map();
    /** What has arrived of each channel, and up to where. @type {Map<string, {info: any, at: Position, texts: string[]}>} */
    this._missed = new Map();
    this._isEndRequested = false;
    this._isOver = false;
    this._cancelTimer = () => {};
    this._link = new Link(
      { ...parts, recover: wanted.connect },
      {
        connecting: () => this._subscribe(),
        moved: () => {},
      accepted: (frame) => this._accept(frame),
        received: (frame, text) => this._receive(frame, text),
        lost: (close) => this._end(UNAVAILABLE, close)
      }
    );
    this._wait();
  }

  /**
   * Answer the tab now: what was read here, then what the shared connection has kept since.
   *
   * @param {SharedChannel} channel
   * @param {Recover | null | undefined} from
   * @returns {import("./channel.js").Answer | null} null: the channel was not replayed
   */
  answer(channel, from) {
    const known = channel.answer(from);
    const info = this._infos.get(channel.name);
    if (known || !info) {
      return known;
    }
    if (!from && !channel.hasState) {
      return channel.now(info);
    }
    const missed = this._missed.get(channel.name);
    const rest = missed && channel.answer(missed.at, true);
    if (!missed || !rest || !rest.info.recovered) {
      return channel.refusal();
    }
    return { info: missed.info, texts: missed.texts.concat(rest.texts) };
  }

  /** Close: the tab is gone. */
  close() {
    this._end(UNAVAILABLE);
  }

  _subscribe() {
    const { subscribe } = this._wanted;
    if (subscribe) {
      const frame = subscribeFrame(subscribe.channel, subscribe.grant, subscribe.recover);
      this._link.send(JSON.stringify({ ...frame, id: ID }));
    }
  }

  /** @param {any} frame */
  _accept(frame) {
    const { connect } = this._wanted;
    Object.keys(connect).forEach((name) => this._begin(name, frame.channels[name] || {}));
    this._endWhenComplete();
  }

  /**
   * @param {string} name
   * @param {any} info
   */
  _begin(name, info) {
    this._infos.set(name, info);
    if (info.recovered || info.state) {
      this._missed.set(name, { info: infoOf(info), at: [info.epoch, info.offset || 0], texts: [] });
    }
  }

  /**
   * @param {any} frame
   * @param {string} text
   */
  _receive(frame, text) {
    const { type, channel, reply_to } = frame;
    const isEnd = reply_to === END_ID && this._isEndRequested;
    const missed = this._missed.get(channel);
    if (isEnd || (type === "error" && reply_to === ID)) {
      return this._end(type === "error" ? frame : null);
    }
    if (reply_to === ID) {
      this._begin(channel, frame);
    } else if (type === "gap") {
      this._missed.delete(channel);
    } else if (type === undefined && missed && frame.offset > missed.at[1]) {
      missed.at = [missed.at[0], frame.offset];
      missed.texts.push(text);
      this._wait();
    }
    this._endWhenComplete();
  }

  _wait() {
    this._isEndRequested = false;
    this._cancelTimer();
    this._cancelTimer = this._clock.after(QUIET_MS, () => {
      this._wait();
      if (this._names.every((name) => this._infos.has(name))) {
        this._isEndRequested = true;
        this._link.send(END);
      }
    });
  }

  _endWhenComplete() {
    const isComplete = (/** @type {string} */ name) => {
      const channel = this._channels.of(name);
      const missed = this._missed.get(name);
      return this._infos.has(name) && (!missed || !channel || channel.answer(missed.at));
    };
    if (this._names.every(isComplete)) {
      this._end(null);
    }
  }

  /**
   * @param {any} error
   * @param {import("../wire/socket.js").Close} [close]
   */
  _end(error, close) {
    if (!this._isOver) {
      this._isOver = true;
      this._cancelTimer();
      this._link.close();
      this._ended(error, close);
    }
  }
}
