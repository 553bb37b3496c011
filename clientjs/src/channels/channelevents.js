/**
 * Events of channels: the handlers of a channel's subscriptions are called, then those of the client.
 */
import { copy } from "../base/own.js";
import { unsubscribedFrame } from "./unsubscribed.js";

export class ChannelEvents {
  /**
   * @param {import("./subscriptions.js").Subscriptions} owner
   */
  constructor(owner) {
    this._owner = owner;
    this._parts = owner.parts;
  }

  /**
   * Call the handlers of a channel's subscriptions, then those of the client.
   *
   * @param {string} event
   * @param {string} channel
   * @param {any} frame
   * @returns {boolean} there is a handler
   */
  emit(event, channel, frame) {
    const isHandled = this.emitTo(channel, event, channel, frame);
    return this._parts.events.emit(event, channel, frame) || isHandled;
  }

  /**
   * Call the handlers of a channel's subscriptions.
   *
   * @param {string} channel
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  emitTo(channel, event, first, second) {
    const subscriber = this._owner.of(channel);
    return !!subscriber && subscriber.emit(event, first, second);
  }

  /**
   * Record where a channel starts, and report that it is subscribed.
   *
   * @param {string} channel
   * @param {any} info  a frame, or the channel's entry in the `connected` frame
   */
  subscribed(channel, info) {
    const isComplete = this._parts.positions.start(channel, info);
    const isReported = info.type || this._owner.of(channel);
    copy({ type: "subscribed", channel }, info);
    if (isReported) {
      this.emit("subscribed", channel, info);
    }
    if (!isComplete) {
      this.emit("gap", channel, copy({ type: "gap" }, copy(info, {})));
    }
  }

  /**
   * Report to one more subscription that its channel is subscribed.
   *
   * @param {import("./subscription.js").Subscription} subscription
   */
  joined(subscription) {
    const channel = subscription.channel;
    subscription.state = "subscribed";
    subscription.emit("subscribed", channel, { type: "subscribed", channel });
  }

  /**
   * Report that a channel was rejected or taken away.
   *
   * @param {string} channel
   * @param {any} why
   * @returns {boolean} there is a handler
   */
  unsubscribed(channel, why) {
    return this.emit("unsubscribed", channel, unsubscribedFrame(channel, why, "revoked"));
  }

  /**
   * @param {string} channel
   * @returns {import("../wire/requests.js").ResponseCallback} reports a refusal, where the page has no callback
   */
  report(channel) {
    return (refusal) => {
      if (refusal) {
        this.refused(channel, refusal);
      }
    };
  }

  /**
   * Report a refusal that no callback and no handler of "unsubscribed" receives.
   *
   * @param {string} channel
   * @param {import("../wire/requests.js").Refusal} refusal
   */
  refused(channel, refusal) {
    const frame = refusedFrame(channel, refusal);
    const isHandled = this.emitTo(channel, "error", frame.code, frame);
    this._parts.refusals.emit(frame, isHandled);
  }
}

/**
 * @param {string} channel
 * @param {import("../wire/requests.js").Refusal} refusal
 * @returns {import("../wire/refusals.js").ErrorFrame}
 */
function refusedFrame(channel, refusal) {
  return { type: "error", code: refusal.code, message: refusal.message, channel };
}
