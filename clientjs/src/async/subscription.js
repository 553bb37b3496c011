/**
 * A subscription with promises and loops.
 */
import { Subscription } from "../channels/subscription.js";
import { answerTo } from "./answer.js";
import { closed, refused } from "./errors.js";
import { loopOver, onClosed } from "./loop.js";
import { loadState } from "../state/index.js";
import { waitFor } from "./wait.js";

/** @typedef {import("../channels/unsubscribed.js").Unsubscribed} Unsubscribed */

export class AsyncSubscription extends Subscription {
  /**
   * @param {string} channel
   * @param {import("../channels/subscriptions.js").Subscriptions} owner
   */
  constructor(channel, owner) {
    super(channel, owner);
    /** Called when the page ends this subscription. @type {Set<function(): void>} */
    this._onLeave = new Set();
    /** @type {import("../wire/requests.js").Refusal} */
    this._why = { code: "unsubscribed", message: "the page has unsubscribed" };
    /** What presence shows of this page; undefined: it was never set. @type {any} */
    this._shown = undefined;
    /** The same, as the gateway has accepted it. @type {any} */
    this._accepted = undefined;
  }

  /**
   * Wait until the channel is subscribed.
   *
   * @param {import("./wait.js").WaitOptions} [options]
   * @returns {Promise<void>}
   */
  ready(options) {
    const { clock, events } = this._owner.parts;
    return waitFor(clock, options, (resolve, reject) => {
      if (this.state === "subscribed") {
        resolve();
      } else if (this.state === "unsubscribed") {
        reject(refused(this._why, this.channel));
      }
      return [
        this.listen("subscribed", () => resolve()),
        this.listen("unsubscribed", (channel, why) => reject(refused(why, channel))),
        this._leaving(() => reject(refused(this._why, this.channel))),
        onClosed(events, (close) => reject(closed(close)))
      ];
    });
  }

  /**
   * Request the presence of the channel.
   *
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  instead of the promise
   * @param {any} [data]  with a callback: set it for this page
   * @returns {any} a promise, unless there is a callback
   */
  presence(callback, data) {
    const send = (/** @type {any} */ settle) => super.presence(settle, data);
    return callback ? send(callback) : this._request(send);
  }

  /**
   * Set what presence shows of this page, now and on every later connection.
   *
   * @param {any} data  an object; null: nothing
   * @returns {Promise<any>} fulfilled at once while the channel is not subscribed
   */
  setPresence(data) {
    this._shown = data;
    return this.state === "subscribed" ? this._show(data) : Promise.resolve();
  }

  // Refused data is not sent again. A lost connection is not a refusal.
  /** @param {any} data */
  _show(data) {
    return this._request((settle) =>
      super.presence((refusal, frame) => {
        if (!refusal) {
          this._accepted = data;
        } else if (refusal.code !== "not_connected" && this._shown === data && data !== null) {
          this._shown = this._accepted;
        }
        settle(refusal, frame);
      }, data)
    );
  }

  /**
   * Publish to the subscribers of the channel, where its namespace allows that.
   *
   * @param {string} event  begins with "client-"
   * @param {any} [data]
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  instead of the promise
   * @returns {any} a promise, unless there is a callback
   */
  publish(event, data, callback) {
    const send = (/** @type {any} */ settle) => super.publish(event, data, settle);
    return callback ? send(callback) : this._request(send);
  }

  /**
   * The messages of the channel, for a loop.
   *
   * @param {import("./messages.js").MessagesOptions} [options]
   * @returns {AsyncIterableIterator<any>}
   */
  messages(options) {
    return loopOver(this, this._owner.parts.events, options, (messages) => [
      this.listen("unsubscribed", (channel, why) => messages.end(refused(why, channel))),
      this._leaving(() => messages.end(null))
    ]);
  }

  /**
   * Load a state, keep it up to date, and load it again after a gap.
   *
   * @param {function({signal: AbortSignal | undefined}): any} load
   * @param {function(any): void} apply
   * @param {import("../sockgate.js").LoadStateOptions<any>} [options]
   * @returns {function(): void} ends it
   */
  loadState(load, apply, options) {
    return loadState(/** @type {any} */ (this), load, apply, options);
  }

  /** End this subscription, and what waits for it. */
  unsubscribe() {
    super.unsubscribe();
    this._onLeave.forEach((callback) => callback());
  }

  /**
   * @param {string} event
   * @param {any} first
   * @param {any} second
   * @returns {boolean} there is a handler
   */
  emit(event, first, second) {
    if (event === "unsubscribed") {
      this._why = second;
    } else if (event === "subscribed" && this._shown) {
      this._show(this._shown);
    }
    return super.emit(event, first, second);
  }

  /** @param {function(import("../wire/requests.js").ResponseCallback): void} send */
  _request(send) {
    return answerTo(this.channel, send, this._owner.events);
  }

  /**
   * @param {function(): void} callback
   * @returns {function(): void} ends the watching
   */
  _leaving(callback) {
    this._onLeave.add(callback);
    return () => void this._onLeave.delete(callback);
  }
}
