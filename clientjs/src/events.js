/**
 * Handlers by event name. A handler that throws does not keep the others from being called.
 */

/** @typedef {function(any, any): void} Handler */

/** @param {any} error reported to the browser's console, as if nobody had caught it */
function rethrowLater(error) {
  setTimeout(function () {
    throw error;
  }, 0);
}

/**
 * @constructor
 * @param {function(any): void} [report] is told what a handler threw
 */
export function Events(report) {
  this._report = report || rethrowLater;
  /** @type {Object<string, Handler[]>} */
  this._handlers = {};
}

// The mark keeps names such as "constructor" apart from what every object has.
/** @param {string} name */
function keyOf(name) {
  return "$" + name;
}

/**
 * @param {string} name
 * @param {Handler} handler
 */
Events.prototype.on = function (name, handler) {
  if (typeof handler !== "function") {
    throw new TypeError('the handler of "' + name + '" is not a function');
  }
  // A new list: one that is being called stays as it is.
  this._handlers[keyOf(name)] = this._of(name).concat([handler]);
};

/**
 * @param {string} name
 * @param {Handler} [handler] without it, all of them
 */
Events.prototype.off = function (name, handler) {
  var kept = [];
  var handlers = handler ? this._of(name) : [];
  for (var i = 0; i < handlers.length; i++) {
    if (handlers[i] !== handler) {
      kept.push(handlers[i]);
    }
  }
  this._handlers[keyOf(name)] = kept;
};

/**
 * @param {string} name
 * @param {any} [first]
 * @param {any} [second]
 */
Events.prototype.emit = function (name, first, second) {
  var handlers = this._of(name);
  for (var i = 0; i < handlers.length; i++) {
    this.call(handlers[i], first, second);
  }
};

/**
 * Call one handler, guarded.
 *
 * @param {Handler} handler
 * @param {any} first
 * @param {any} second
 */
Events.prototype.call = function (handler, first, second) {
  try {
    handler(first, second);
  } catch (error) {
    this._report(error);
  }
};

/**
 * @param {string} name
 * @returns {Handler[]}
 */
Events.prototype._of = function (name) {
  return this._handlers[keyOf(name)] || [];
};
