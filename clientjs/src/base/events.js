/**
 * Handlers by event name. When a handler throws, the others are still called.
 */
import { each, keyOf, without } from "./own.js";

/** @typedef {function(any, any): void} Handler */

/** @param {any} error reported in the browser's console as an uncaught error */
function rethrowLater(error) {
  setTimeout(() => {
    throw error;
  }, 0);
}

/**
 * Add a handler, as a method of what has `on` and `off`.
 *
 * @this {{on: function(string, Handler): any, off: function(string, Handler): any}}
 * @param {string} event
 * @param {Handler} handler
 * @returns {function(): void} removes the handler
 */
export function listen(event, handler) {
  this.on(event, handler);
  return () => {
    this.off(event, handler);
  };
}

export class Events {
  /**
   * @param {function(any): void} [report] receives what a handler threw
   */
  constructor(report) {
    this._report = report || rethrowLater;
    /** @type {Object<string, Handler[]>} */
    this._handlers = {};
  }

  /**
   * @param {string} name
   * @param {Handler} handler
   */
  on(name, handler) {
    if (typeof handler !== "function") {
      throw new TypeError('the handler of "' + name + '" is not a function');
    }
    // A new list, because `emit` may be iterating over the old one.
    this._handlers[keyOf(name)] = this._of(name).concat([handler]);
  }

  /**
   * @param {string} name
   * @param {Handler} [handler]  default: all handlers of the event
   */
  off(name, handler) {
    this._handlers[keyOf(name)] = handler ? without(this._of(name), handler) : [];
  }

  /**
   * @param {string} name
   * @param {any} [first]
   * @param {any} [second]
   * @returns {boolean} there is a handler
   */
  emit(name, first, second) {
    const handlers = this._of(name);
    each(handlers, (_, handler) => {
      this.call(handler, first, second);
    });
    return !!handlers.length;
  }

  /**
   * Call one handler, and report what it throws.
   *
   * @param {Handler} handler
   * @param {any} first
   * @param {any} second
   */
  call(handler, first, second) {
    try {
      handler(first, second);
    } catch (error) {
      this._report(error);
    }
  }

  /**
   * @param {string} name
   * @returns {Handler[]}
   */
  _of(name) {
    return this._handlers[keyOf(name)] || [];
  }
}
