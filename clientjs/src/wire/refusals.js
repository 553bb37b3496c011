/**
 * Refusals that no callback and no handler of the page receives: an "error" event, and without a
 * handler for it a warning.
 */

/**
 * @typedef {{type: "error", code: string, message: string, channel?: string}} ErrorFrame
 */

export class Refusals {
  /**
   * @param {import("../base/events.js").Events} events
   * @param {function(string): void} warn
   */
  constructor(events, warn) {
    this._events = events;
    this._warn = warn;
    this._last = "";
  }

  /**
   * A warning like the one before is left out, because a page may publish with every key press.
   *
   * @param {ErrorFrame} frame
   * @param {boolean} [isHandled]  by a handler of the channel's subscriptions
   */
  emit(frame, isHandled) {
    const text = "refused: " + (frame.channel || "") + " " + frame.code + ", " + frame.message;
    if (!this._events.emit("error", frame.code, frame) && !isHandled && text !== this._last) {
      this._last = text;
      this._warn(text);
    }
  }
}
