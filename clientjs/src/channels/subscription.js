/**
 * A subscription of the page to one channel, with its own handlers. `rt.subscribe` returns it.
 */
import { Events, listen } from "../base/events.js";

/** @typedef {"subscribing" | "subscribed" | "unsubscribed"} SubscriptionState */

export class Subscription {
  /**
   * @param {string} channel
   * @param {import("./subscriptions.js").Subscriptions} owner
   */
  constructor(channel, owner) {
    this.channel = channel;
    /** @type {SubscriptionState} */
    this.state = "subscribing";
    this._owner = owner;
    this._events = new Events();
  }

  /**
   * Add a handler for an event of this channel.
   *
   * @param {string} event
   * @param {import("../base/events.js").Handler} handler
   * @returns {this} itself
   */
  on(event, handler) {
    this._events.on(event, handler);
    return this;
  }

  /**
   * Remove a handler.
   *
   * @param {string} event
   * @param {import("../base/events.js").Handler} [handler]  default: all handlers of the event
   * @returns {this} itself
   */
  off(event, handler) {
    this._events.off(event, handler);
    return this;
  }

  /**
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  emit(event, first, second) {
    return this._events.emit(event, first, second);
  }

  /**
   * Request the presence of the channel, or set what it shows of this page.
   *
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  default: the response is the event "presence", a refusal
   *     an "error"
   * @param {any} [data]  undefined: request the presence; null: show nothing
   */
  presence(callback, data) {
    const owner = this._owner;
    owner.parts.requests.presence(this.channel, callback || owner.events.report(this.channel), data);
  }

  /**
   * Publish to the subscribers of the channel, where its namespace allows that.
   *
   * @param {string} event  begins with "client-"
   * @param {any} [data]
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  default: a refusal is an "error"
   */
  publish(event, data, callback) {
    const owner = this._owner;
    owner.parts.requests.publish(this.channel, event, data, callback || owner.events.report(this.channel));
  }

  /** End this subscription. The last one of a channel also unsubscribes at the gateway. */
  unsubscribe() {
    this._owner.remove(this);
  }
}

/** Add a handler. Returns a function that removes it. */
Subscription.prototype.listen = listen;
