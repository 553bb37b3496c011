/**
 * What one tab has missed, when the shared connection does not have it: read over a second connection, which ends
 * as soon as it has arrived.
 *
 * A tab that returns from the back/forward cache, or from a long sleep, may need it. The other tabs are not
 * disturbed, and a position that the gateway's history does not reach costs nobody else a `gap`.
 */
import { subscribeFrame } from "../frames.js";
import { infoOf } from "./channel.js";
import { Link } from "./link.js";

/**
 * @typedef {import("../frames.js").Recover} Recover
 * @typedef {import("./channel.js").SharedChannel} SharedChannel
 *
 * @typedef {Object} Wanted
 * @property {Object<string, Recover>} connect  what to recover of channels that the gateway subscribes by itself
 * @property {any} subscribe  the `subscribe` frame of one channel, or null
 */

const DEADLINE_MS = 5000;
const ID = 1;

const MAX_REPLAYS = 4;

/** Replays, a few at a time: each is a connection of its own. */
export class Replays {
  constructor() {
    /** @type {Array<function(function(): void): void>} */
    this._waiting = [];
    this._running = 0;
  }

  /** @param {function(function(): void): void} start  receives a function to call at the end */
  add(start) {
    this._waiting.push(start);
    this._startNext();
  }

  _startNext() {
    const start = this._running < MAX_REPLAYS && this._waiting.shift();
    if (start) {
      this._running += 1;
      start(() => {
        this._running -= 1;
        this._startNext();
      });
    }
  }
}

export class Replay {
  /**
   * @param {Omit<import("./link.js").LinkParts, "recover">} parts
   * @param {Wanted} wanted
   * @param {{of: function(string): SharedChannel | undefined}} channels  of the shared connection
   * @param {function(Replay): void} callback
   */
  constructor(parts, wanted, channels, callback) {
    this._wanted = wanted;
    this._channels = channels;
    this._callback = callback;
    /** What the gateway says of each channel. @type {Map<string, any>} */
    this._infos = new Map();
    /** @type {Map<string, {info: any, last: number, texts: string[]}>} */
    this._missed = new Map();
    this._cancelDeadline = parts.clock.after(DEADLINE_MS, () => this._finish());
    this._isOver = false;
    this._link = new Link(
      { ...parts, recover: wanted.connect },
      {
        connecting: () => this._subscribe(),
        accepted: (frame) => this._accept(frame),
        received: (frame, text) => this._receive(frame, text),
        lost: () => this._finish()
      }
    );
  }

  /**
   * Answer the tab now: what was read here, then what the shared connection has kept since.
   *
   * @param {SharedChannel} channel
   * @param {Recover | null | undefined} from
   * @returns {import("./channel.js").Answer}
   */
  answer(channel, from) {
    const known = channel.answer(from);
    if (known || !(from || channel.hasState)) {
      return known || channel.now(this._infos.get(channel.name));
    }
    const missed = this._missed.get(channel.name);
    const rest = missed && channel.answer([missed.info.epoch, missed.last]);
    if (!missed || !rest || !rest.info.recovered) {
      return channel.refusal();
    }
    return { info: missed.info, texts: missed.texts.concat(rest.texts) };
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
    for (const name of Object.keys(this._wanted.connect)) {
      this._begin(name, frame.channels[name] || {});
    }
    this._finishWhenComplete();
  }

  /**
   * @param {string} name
   * @param {any} info
   */
  _begin(name, info) {
    this._infos.set(name, info);
    if (info.recovered || info.state) {
      this._missed.set(name, { info: infoOf(info), last: info.offset || 0, texts: [] });
    }
  }

  /**
   * @param {any} frame
   * @param {string} text
   */
  _receive(frame, text) {
    const { subscribe } = this._wanted;
    if (frame.reply_to === ID && frame.type === "subscribed") {
      this._begin(subscribe.channel, frame);
    } else if (frame.reply_to === ID) {
      return this._finish();
    }
    const missed = frame.type === undefined && this._missed.get(frame.channel);
    if (missed && frame.offset === missed.last + 1) {
      missed.last = frame.offset;
      missed.texts.push(text);
    }
    this._finishWhenComplete();
  }

  _finishWhenComplete() {
    const { connect, subscribe } = this._wanted;
    const names = Object.keys(connect).concat(subscribe ? [subscribe.channel] : []);
    if (names.every((name) => this._isComplete(name))) {
      this._finish();
    }
  }

  /** @param {string} name */
  _isComplete(name) {
    const channel = this._channels.of(name);
    const missed = this._missed.get(name);
    const position = channel && channel.position;
    return this._infos.has(name) && (!missed || !position || missed.last >= position[1]);
  }

  _finish() {
    if (!this._isOver) {
      this._isOver = true;
      this._cancelDeadline();
      this._link.close();
      this._callback(this);
    }
  }
}
