/**
 * What a page holds of a channel that it asked for: handlers of that channel alone.
 */
import { Events } from "./events.js";

/** @typedef {"subscribing" | "subscribed" | "unsubscribed"} SubscriptionState */

/**
 * @constructor
 * @param {string} channel
 * @param {import("./subscriptions.js").Subscriptions} home
 */
export function Subscription(channel, home) {
  this.channel = channel;
  /** @type {SubscriptionState} */
  this.state = "subscribing";
  this._home = home;
  this._events = new Events();
}

/**
 * @param {string} event
 * @param {import("./events.js").Handler} handler
 * @returns {Subscription} itself
 */
Subscription.prototype.on = function (event, handler) {
  this._events.on(event, handler);
  return this;
};

/**
 * @param {string} event
 * @param {import("./events.js").Handler} [handler]  without it, all of the event's
 * @returns {Subscription} itself
 */
Subscription.prototype.off = function (event, handler) {
  this._events.off(event, handler);
  return this;
};

/**
 * @param {string} event
 * @param {any} first
 * @param {any} second
 */
Subscription.prototype.emit = function (event, first, second) {
  this._events.emit(event, first, second);
};

/**
 * Ask who is in the channel.
 *
 * @param {import("./requests.js").Answered} callback
 */
Subscription.prototype.presence = function (callback) {
  this._home.presence(this.channel, callback);
};

/**
 * Publish to those who hear the channel, where its namespace lets browsers do so.
 *
 * @param {string} event  begins with "client-"
 * @param {any} [data]
 * @param {import("./requests.js").Answered} [callback]
 */
Subscription.prototype.publish = function (event, data, callback) {
  this._home.publish(this.channel, event, data, callback || nothing);
};

/** Leave the channel, unless another subscription of this page holds it. */
Subscription.prototype.unsubscribe = function () {
  this._home.remove(this);
};

function nothing() {}
