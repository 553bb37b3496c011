/**
 * The loaders of one subscription, in the order of their creation. What the subscription emits passes through all of
 * them, the newest first, and then reaches its handlers.
 *
 * Strategy: the subscription's methods are replaced once, whatever the number of loaders, and given back when the last
 * one ends. So loaders may end in any order. The list is at the method, where another copy of this module finds it.
 */

/**
 * @typedef {Object} Link  a loader
 * @property {function(string, any, any): boolean} handle
 * @property {function(): void} leave  the page unsubscribes
 */

export class Chain {
  /** @param {any} room */
  constructor(room) {
    this._room = room;
    this._emit = room.emit;
    this._unsubscribe = room.unsubscribe;
    /** @type {Link[]} */
    this._links = [];
    /** @type {any} */
    this._ours = (/** @type {string} */ event, /** @type {any} */ first, /** @type {any} */ second) =>
      this.pass(null, event, first, second);
    this._ours.chain = this;
    this._leave = () => {
      this._links.slice().forEach((link) => link.leave());
      this._unsubscribe.call(room);
    };
    Object.assign(room, { emit: this._ours, unsubscribe: this._leave });
  }

  /** @param {Link} link */
  add(link) {
    this._links.push(link);
  }

  /** @param {Link} link */
  remove(link) {
    this._links = this._links.filter((other) => other !== link);
    // Another tool may have replaced the method meanwhile. Then this one just passes everything on.
    if (!this._links.length && this._room.emit === this._ours) {
      Object.assign(this._room, { emit: this._emit, unsubscribe: this._unsubscribe });
    }
  }

  /**
   * Pass an event to the next older loader, or to the handlers.
   *
   * @param {Link | null} from  null: the event is new
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  pass(from, event, first, second) {
    const index = from ? this._links.indexOf(from) : this._links.length;
    return index > 0
      ? this._links[index - 1].handle(event, first, second)
      : this._emit.call(this._room, event, first, second);
  }
}

/**
 * @param {any} room
 * @returns {Chain}
 */
export function chainOf(room) {
  return room.emit.chain || new Chain(room);
}
