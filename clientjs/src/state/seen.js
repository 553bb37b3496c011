/**
 * Which publications a loaded state contains already, where the page can tell the position at which the state was read
 * (`position()` of Django). Without it, a publication that arrived while the state was read may be applied twice.
 */

/** @typedef {import("../sockgate.js").Position} Position */

export class SeenState {
  /** @param {(function(any): Position | null | undefined) | undefined} positionOf */
  constructor(positionOf) {
    this._positionOf = positionOf;
    /** null: not known. @type {string | null} */
    this._epoch = null;
    /** Offset of the last publication, or of the start. */
    this._offset = 0;
    /** The state contains the publications up to this offset. */
    this._upTo = 0;
    /** The last publication, and whether the state contains it. @type {any} */
    this._message = null;
    this._isSeen = false;
  }

  /** @param {any} frame  `subscribed` or `gap` */
  start(frame) {
    const goesOn = frame.type !== "subscribed" || frame.recovered === true;
    const epoch = typeof frame.epoch === "string" ? frame.epoch : goesOn ? this._epoch : null;
    if (epoch !== this._epoch) {
      this._enter(epoch, frame.offset || 0);
    }
  }

  /** @param {any} state */
  load(state) {
    const position = this._positionOf && this._positionOf(state);
    this._upTo = position && position[0] === this._epoch ? position[1] : 0;
  }

  /**
   * @param {any} message  it may come twice, for its event and for "*"
   * @returns {boolean} the state contains it
   */
  has(message) {
    if (message !== this._message) {
      const { offset = 0 } = message;
      if (offset && offset <= this._offset) {
        // Another epoch has begun.
        this._enter(null, 0);
      }
      this._message = message;
      this._offset = offset || this._offset;
      this._isSeen = offset > 0 && offset <= this._upTo;
    }
    return this._isSeen;
  }

  /**
   * @param {string | null} epoch
   * @param {number} offset
   */
  _enter(epoch, offset) {
    this._epoch = epoch;
    this._offset = offset;
    this._upTo = 0;
  }
}
