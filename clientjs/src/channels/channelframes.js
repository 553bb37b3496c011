/**
 * Handling of frames about a channel, and of responses to requests.
 */

import { RIGHTS_CHANGED } from "../wire/contract.js";
import { unsubscribedFrame } from "./unsubscribed.js";

/**
 * @typedef {Object} ChannelFrameParts
 * @property {import("../wire/positions.js").Positions} positions
 * @property {import("../wire/requests.js").Requests} requests
 * @property {import("./subscriptions.js").Subscriptions} subscriptions
 * @property {import("../base/events.js").Events} events
 * @property {import("../wire/refusals.js").Refusals} refusals
 */

/**
 * @param {ChannelFrameParts} parts
 * @param {any} frame  about a channel, or a response to a request
 */
export function handleChannelFrame(parts, frame) {
  const isResponse = parts.requests.settle(frame);
  const handler = (isResponse ? RESPONSES : NOTICES)["on " + frame.type];
  if (handler) {
    handler(parts, frame);
  }
}

/**
 * Frames that the gateway sends without a request.
 *
 * @type {Object<string, function(ChannelFrameParts, any): void>}
 */
const NOTICES = {
  "on subscribed"(parts, frame) {
    parts.subscriptions.confirm(frame.channel, frame);
  },
  "on unsubscribed"(parts, frame) {
    if (frame.reason === RIGHTS_CHANGED) {
      parts.subscriptions.renew(frame.channel, frame);
    } else {
      parts.subscriptions.end(frame.channel, frame);
    }
  },
  "on gap"(parts, frame) {
    if (frame.epoch) {
      parts.positions.put(frame.channel, [frame.epoch, frame.offset || 0]);
    }
    emit(parts, frame);
  },
  "on join": emit,
  "on leave": emit,
  "on presence_changed": emit,
  "on error"(parts, frame) {
    parts.refusals.emit(frame);
  }
};

/**
 * Responses. They are handled here after the callback of their request.
 *
 * @type {Object<string, function(ChannelFrameParts, any): void>}
 */
const RESPONSES = {
  "on unsubscribed"(parts, frame) {
    // The page may have subscribed again meanwhile.
    if (!parts.subscriptions.isRequested(frame.channel)) {
      parts.positions.forget(frame.channel);
      const why = unsubscribedFrame(frame.channel, frame, "unsubscribed");
      parts.events.emit("unsubscribed", frame.channel, why);
    }
  },
  "on presence": emit
};

/**
 * @param {ChannelFrameParts} parts
 * @param {any} frame
 */
function emit(parts, frame) {
  parts.subscriptions.events.emit(frame.type, frame.channel, frame);
}
