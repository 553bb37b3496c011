/**
 * What is done with a frame that speaks of a channel, or answers what was asked.
 */

/** @typedef {import("./subscriptions.js").Subscriptions} Subscriptions */

/** Why a channel was taken away that a fresh grant may open again. */
var RIGHTS_CHANGED = "rights_changed";

/**
 * @constructor
 * @param {Subscriptions} subscriptions
 * @param {function(string, any, any): void} emitToPage
 */
export function ChannelFrames(subscriptions, emitToPage) {
  this.positions = subscriptions.parts.positions;
  this.subscriptions = subscriptions;
  this.emitToPage = emitToPage;
  this._requests = subscriptions.parts.requests;
}

/** @param {any} frame */
ChannelFrames.prototype.take = function (frame) {
  var isAnswer = this._requests.settle(frame);
  var take = (isAnswer ? ANSWERS : NEWS)["on " + frame.type];
  if (take) {
    take(this, frame);
  }
};

/**
 * What has not been asked for.
 *
 * @type {Object<string, function(ChannelFrames, any): void>}
 */
var NEWS = {
  "on subscribed": function (frames, frame) {
    frames.subscriptions.enter(frame.channel, frame);
  },
  "on unsubscribed": function (frames, frame) {
    if (frame.reason === RIGHTS_CHANGED) {
      frames.subscriptions.renew(frame.channel, frame);
    } else {
      frames.subscriptions.end(frame.channel, frame);
    }
  },
  "on gap": function (frames, frame) {
    if (typeof frame.epoch === "string") {
      frames.positions.put(frame.channel, [frame.epoch, frame.offset || 0]);
    }
    emit(frames, frame);
  },
  "on join": emit,
  "on leave": emit,
  "on error": function (frames, frame) {
    frames.emitToPage("error", frame.code, frame);
  }
};

/**
 * Beside what those do who asked.
 *
 * @type {Object<string, function(ChannelFrames, any): void>}
 */
var ANSWERS = {
  "on unsubscribed": function (frames, frame) {
    // Unless it was asked for again meanwhile.
    if (!frames.subscriptions.asksFor(frame.channel)) {
      frames.positions.forget(frame.channel);
      frames.emitToPage("unsubscribed", frame.channel, frame);
    }
  },
  "on presence": emit
};

/**
 * @param {ChannelFrames} frames
 * @param {any} frame
 */
function emit(frames, frame) {
  frames.subscriptions.emit(frame.type, frame.channel, frame);
}
