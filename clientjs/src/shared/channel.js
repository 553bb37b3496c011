/**
 * One channel of a shared connection: the tabs that receive it, its position, and its last publications.
 *
 * Strategy: a tab that subscribes later has a position of its own. What it lacks comes from the kept
 * publications. Where they do not reach back, the answer is unknown here, and a replay from the gateway gives it
 * (replay.js). So does a tab without a position that receives the newest publications: it has asked for them, or the
 * channel has a state.
 */

/**
 * @typedef {import("../wire/frames.js").Position} Position
 * @typedef {import("../wire/frames.js").Recover} Recover
 * @typedef {import("./tab.js").Tab} Tab
 *
 * @typedef {Object} Info  what a `connected` or `subscribed` frame says of a channel
 * @property {string} [epoch]
 * @property {number} [offset]
 * @property {boolean} [recovered]
 * @property {"latest"} [state]  newcomers receive the newest publication
 * @property {number} [touched]  the touch mark; absent: unknown
 * @property {number} [audience]  how many pages receive the same
 * @property {number} [pages]  how many pages the channel has
 * @property {number} [within]  seconds in which they shall act
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
    /** What presence shows of tabs; the connection shows that of the last one. @type {Map<Tab, any>} */
    this.shown = new Map();
    /** The same, where the gateway has accepted it. @type {Map<Tab, any>} */
    this._accepted = new Map();
    /** Requests that wait for the gateway. @type {Array<{tab: Tab, frame: any}>} */
    this.waiting = [];
    /** Of the last publication; null: the channel has no history. @type {Position | null} */
    this.position = null;
    /** Newcomers receive the newest publication. */
    this.hasState = false;
    /** Of the channel; undefined: unknown. @type {number | undefined} */
    this.touched = undefined;
    /** What was requested at the start, and the gateway's answer. @type {Recover | undefined} */
    this._asked = undefined;
    /** @type {Info} */
    this._answer = {};
    /** Nothing has arrived since that answer. */
    this._isFresh = false;
    /** Offset of the newest publication at the start; null: not known, while the gateway recovers. @type {number | null} */
    this._newest = 0;
    /** @type {Array<{offset: number, text: string}>} */
    this._kept = [];
    this._characters = 0;
  }

  /**
   * Record what presence shows of a tab.
   *
   * @param {Tab} tab
   * @param {any} data  null: nothing
   * @returns {any} what it shows of the connection: the data that was set last, of the tabs that have some
   */
  show(tab, data) {
    put(this.shown, tab, data);
    const all = Array.from(this.shown.values());
    return all.length ? all[all.length - 1] : null;
  }

  /**
   * Record the answer of the gateway to what a tab has shown. Refused data is forgotten.
   *
   * @param {Tab} tab
   * @param {any} data
   * @param {boolean} isAccepted
   */
  settle(tab, data, isAccepted) {
    if (isAccepted) {
      put(this._accepted, tab, this.members.has(tab) ? data : null);
    } else if (data !== null && this.shown.get(tab) === data) {
      put(this.shown, tab, this._accepted.has(tab) ? this._accepted.get(tab) : null);
    }
  }

  /**
   * Record that a tab has left.
   *
   * @param {Tab} tab
   * @returns {any} what it shows of the connection now; undefined: the tab has shown nothing
   */
  leave(tab) {
    this.members.delete(tab);
    this._accepted.delete(tab);
    return this.shown.has(tab) ? this.show(tab, null) : undefined;
  }

  /**
   * Record what the gateway says at the start of the subscription.
   *
   * @param {Info} info
   * @param {Recover | undefined} asked  what was requested
   */
  start(info, asked) {
    this.isLive = true;
    this._forget();
    this.hasState = info.state === "latest";
    this._isFresh = true;
    this._asked = asked;
    this._answer = infoOf(info);
    this.touched = info.touched;
    this.position = info.epoch ? [info.epoch, info.offset || 0] : null;
    this._newest = asked && info.recovered && info.epoch ? null : 0;
  }

  /**
   * Move to a position without the publications before it: a `gap`.
   *
   * @param {Position} position
   */
  skipTo(position) {
    this._forget();
    this._isFresh = false;
    this._newest = 0;
    this.position = position;
  }

  /**
   * Keep a publication.
   *
   * @param {import("../wire/frames.js").Frame} frame
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
    this._isFresh = false;
    this._newest = isNewEpoch ? 0 : this._newest;
    this.position = [isNewEpoch ? /** @type {string} */ (frame.epoch) : epoch, frame.offset];
    this._keep(frame.offset, text, Math.min(limit, KEPT_CHARACTERS));
  }

  /**
   * Add to an answer what the gateway would say now: the touch mark, and, unless it has said how many receive the
   * same, that this tab is alone.
   *
   * @param {Info} info
   * @returns {Info}
   */
  told(info) {
    const crowd = this._answer.audience === undefined ? {} : { audience: 1, within: 0 };
    return { ...crowd, pages: this._answer.pages, ...info, touched: this.touched };
  }

  /**
   * Answer a tab that subscribes.
   *
   * @param {Recover | null | undefined} from  the tab's position, or how many of the newest publications it wants
   * @param {boolean} [isAll]  the gateway has no more than this: the tab detects by the offsets what is missing
   * @returns {Answer | null} null: unknown here
   */
  answer(from, isAll) {
    // A position is [epoch, offset].
    const isAsked = String(from || "") === String(this._asked || "");
    if (isAsked && this._isFresh) {
      return { info: this._answer, texts: [] };
    }
    if (!Array.isArray(from)) {
      const count = from === "all" ? Infinity : from || Number(this.hasState);
      return count ? this._latest(count, from ? true : undefined) : this._newest === null ? null : this.now();
    }
    if (!this.position || from[0] !== this.position[0] || (isAsked && this._answer.recovered === false)) {
      return this.hasState ? this._latest(1, false) : this.refusal();
    }
    const missing = this.position[1] - from[1];
    if (missing > this._kept.length && !isAll) {
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

  /**
   * Answer with the newest publications.
   *
   * @param {number} count  how many at most
   * @param {boolean | undefined} recovered
   * @returns {Answer | null} null: unknown here
   */
  _latest(count, recovered) {
    if (!this.position) {
      return this.refusal();
    }
    const last = this.position[1];
    const isWhole = !last || (this._kept.length > 0 && this._kept[0].offset === 1);
    if (this._kept.length < count && !isWhole) {
      return null;
    }
    const texts = this._kept.slice(-count).map(({ text }) => text);
    return { info: { ...this._info(), offset: last - texts.length, recovered }, texts };
  }

  /** @returns {Answer} publications are lost: go on from here */
  refusal() {
    return { info: { ...this._info(), recovered: false }, texts: [] };
  }

  /** @returns {Info} */
  _info() {
    const state = this.hasState ? "latest" : undefined;
    return this.position ? { epoch: this.position[0], offset: this.position[1], state } : {};
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
 * Put a tab's data at the end of a table.
 *
 * @param {Map<Tab, any>} table
 * @param {Tab} tab
 * @param {any} data  null: nothing
 */
function put(table, tab, data) {
  table.delete(tab);
  if (data !== null) {
    table.set(tab, data);
  }
}

/**
 * @param {Info} info  a frame, or the channel's entry in the `connected` frame
 * @returns {Info}
 */
export function infoOf({ epoch, offset, recovered, state, touched, audience, within, pages }) {
  return { epoch, offset, recovered, state, touched, audience, within, pages };
}

/**
 * What to request for all of these tabs: the lowest offset in the epoch of the first position. Without a position, most of the
 * newest publications.
 *
 * @param {Array<Recover | null | undefined>} wishes
 * @returns {Recover | undefined}
 */
export function lowest(wishes) {
  /** @type {Recover | undefined} */
  let low;
  for (const wish of wishes) {
    if (Array.isArray(wish)) {
      low = !Array.isArray(low) || (wish[0] === low[0] && wish[1] < low[1]) ? wish : low;
    } else if (wish && !Array.isArray(low) && low !== "all") {
      low = wish === "all" ? wish : Math.max(low || 0, wish);
    }
  }
  return low;
}

/**
 * The same for many channels.
 *
 * @param {Array<Object<string, Recover>>} all
 * @returns {Object<string, Recover>}
 */
export function lowestOf(all) {
  /** @type {Object<string, Recover>} */
  const low = {};
  for (const channel of Object.keys(Object.assign({}, ...all))) {
    low[channel] = /** @type {Recover} */ (lowest(all.map((positions) => positions[channel])));
  }
  return low;
}
