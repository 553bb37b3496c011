/**
 * Questions to the gateway that wait for an answer: each has an id, which the answer carries as
 * `reply_to`.
 */

/**
 * @typedef {{code: string, message: string}} Refusal
 *
 * @typedef {function(Refusal | null, any=): void} Answered  is given a refusal, or the frame
 */

/** What is said of a question that was lost with its connection. @type {Refusal} */
export var LOST = { code: "not_connected", message: "there is no connection" };

/** @constructor */
export function Requests() {
  this._lastId = 0;
  /** @type {Object<string, Answered>} */
  this._waiting = {};
}

/**
 * @param {Answered} callback
 * @returns {number} the id
 */
Requests.prototype.open = function (callback) {
  this._lastId += 1;
  this._waiting[keyOf(this._lastId)] = callback;
  return this._lastId;
};

/**
 * Take an answer.
 *
 * @param {any} frame
 * @returns {boolean} false: nobody waits for it
 */
Requests.prototype.settle = function (frame) {
  var callback = this._waiting[keyOf(frame.reply_to)];
  if (!callback) {
    return false;
  }
  delete this._waiting[keyOf(frame.reply_to)];
  if (frame.type === "error") {
    callback(frame);
  } else {
    callback(null, frame);
  }
  return true;
};

/** The connection is lost, and with it all answers. */
Requests.prototype.fail = function () {
  var lost = this._waiting;
  this._waiting = {};
  for (var key in lost) {
    if (Object.prototype.hasOwnProperty.call(lost, key)) {
      lost[key](LOST);
    }
  }
};

/** @param {any} id */
function keyOf(id) {
  return "$" + id;
}
