/**
 * One channel of a shared connection: the tabs that receive it, its position, and its last publications.
 *
 * Strategy: a tab that subscribes later has a position of its own. What it lacks comes from the kept
 * publications. Where they do not reach back, the answer is unknown here, and a replay from the gateway gives it
 * (replay.js).
 */

/**
 * @typedef {import("../frames.js").Position} Position
 * @typedef {import("./tab.js").Tab} Tab
 *
 * @typedef {Object} Info  what a `connected` or `subscribed` frame says of a channel
 * @property {string} [epoch]
 * @property {number} [offset]
 * @property {boolean} [recovered]
 *
 * @typedef {{info: Info, texts: string[]}} Answer  the information, and the missed publications
 */

/** As many as a namespace keeps by default, and more. */
const KEPT_PUBLICATIONS = 256;
const KEPT_CHARACTERS = 512 * 1024;

export class SharedChannel {
  /**
   * @param {string} name
   * @param {boolean} isAutomatic  subscribed by the gateway, without a request
   */
  constructor(name, isAutomatic) {
    this.name = name;
    this.isAutomatic = isAutomatic;
    /** The gateway has confirmed the subscription. */
    this.isLive = isAutomatic;
    /** Tabs that receive the publications. @type {Set<Tab>} */
    this.members = new Set();
    /** Requests that wait for the gateway. @type {Array<{tab: Tab, frame: any}>} */
    this.waiting = [];
    /** Of the last publication; null: the channel has no history. @type {Position | null} */
    this.position = null;
    /** The gateway has refused to recover from here. @type {Position | null} */
    this._lost = null;
    /** Offset of the newest publication at the start; null: not known, while the gateway recovers. @type {number | null} */
    this._newest = 0;
    /** @type {Array<{offset: number, text: string}>} */
    this._kept = [];
    this._characters = 0;
  }

  /**
   * Record what the gateway says at the start of the subscription.
   *
   * @param {Info} info
   * @param {Position | undefined} asked  recovery was requested from here
   */
  start(info, asked) {
    this.isLive = true;
    this._forget();
    this._lost = info.recovered === false && asked ? asked : null;
    this.position = info.epoch ? [info.epoch, info.offset || 0] : null;
    this._newest = 0;
    if (asked && info.recovered && info.epoch) {
      this.position = [info.epoch, asked[1]];
      this._newest = null;
    }
  }

  /**
   * Move to a position without the publications before it: a `gap`.
   *
   * @param {Position} position
   */
  skipTo(position) {
    this._forget();
    this._newest = 0;
    this.position = position;
  }

  /**
   * Keep a publication.
   *
   * @param {import("../frames.js").Frame} frame
   * @param {string} text
   * @param {number} [limit]  of characters that may be kept
   */
  take(frame, text, limit = KEPT_CHARACTERS) {
    if (!frame.offset || !this.position) {
      return;
    }
    const [epoch, last] = this.position;
    const isNewEpoch = !!frame.epoch && frame.epoch !== epoch;
    if (!isNewEpoch && frame.offset <= last) {
      return;
    }
    if (isNewEpoch || frame.offset !== last + 1) {
      this._forget();
    }
    this._newest = isNewEpoch ? 0 : this._newest;
    this.position = [isNewEpoch ? /** @type {string} */ (frame.epoch) : epoch, frame.offset];
    this._keep(frame.offset, text, Math.min(limit, KEPT_CHARACTERS));
  }

  /**
   * Answer a tab that subscribes.
   *
   * @param {Position | null | undefined} from  the tab's position
   * @returns {Answer | null} null: unknown here
   */
  answer(from) {
    if (!from) {
      return this._newest === null ? null : this.now();
    }
    if (!this.position || from[0] !== this.position[0] || isSame(from, this._lost)) {
      return this.refusal();
    }
    const missing = this.position[1] - from[1];
    if (missing > this._kept.length) {
      return null;
    }
    const texts = missing > 0 ? this._kept.slice(-missing).map(({ text }) => text) : [];
    return { info: { epoch: from[0], offset: from[1], recovered: true }, texts };
  }

  /**
   * Answer a tab without a position: it receives nothing older.
   *
   * @param {Info} [info]  what the gateway says now
   * @returns {Answer}
   */
  now(info) {
    if (info && this.position && info.epoch === this.position[0]) {
      this._newest = info.offset || 0;
    }
    const { epoch, offset = 0 } = this._info();
    return { info: epoch ? { epoch, offset: Math.max(offset, this._newest || 0) } : {}, texts: [] };
  }

  /** @returns {Answer} publications are lost: go on from here */
  refusal() {
    return { info: { ...this._info(), recovered: false }, texts: [] };
  }

  /** @returns {Info} */
  _info() {
    return this.position ? { epoch: this.position[0], offset: this.position[1] } : {};
  }

  _forget() {
    this._kept = [];
    this._characters = 0;
  }

  /**
   * @param {number} offset
   * @param {string} text
   * @param {number} limit
   */
  _keep(offset, text, limit) {
    this._kept.push({ offset, text });
    this._characters += text.length;
    while (this._kept.length > KEPT_PUBLICATIONS || this._characters > limit) {
      const [first] = this._kept.splice(0, 1);
      this._characters -= first.text.length;
    }
  }
}

/**
 * @param {Position} one
 * @param {Position | null} other
 */
function isSame(one, other) {
  return !!other && one[0] === other[0] && one[1] === other[1];
}

/**
 * The position from which all of these tabs can be served: the lowest offset in the epoch of the first.
 *
 * @param {Array<Position | null | undefined>} positions
 * @returns {Position | undefined}
 */
export function lowest(positions) {
  /** @type {Position | undefined} */
  let low;
  for (const position of positions) {
    if (position && (!low || (position[0] === low[0] && position[1] < low[1]))) {
      low = position;
    }
  }
  return low;
}

/**
 * The same for many channels.
 *
 * @param {Array<Object<string, Position>>} all
 * @returns {Object<string, Position>}
 */
export function lowestOf(all) {
  /** @type {Object<string, Position>} */
  const low = {};
  for (const channel of Object.keys(Object.assign({}, ...all))) {
    low[channel] = /** @type {Position} */ (lowest(all.map((positions) => positions[channel])));
  }
  return low;
}
