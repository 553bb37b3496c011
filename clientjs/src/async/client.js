/**
 * The client with promises and loops.
 *
 * @typedef {import("./subscription.js").AsyncSubscription} AsyncSubscription
 */
import { Client } from "../core/client.js";
import { answerTo } from "./answer.js";
import { closed } from "./errors.js";
import { loopOver } from "./loop.js";
import { waitFor } from "./wait.js";

export class AsyncClient extends Client {
  /** @param {import("../core/connection.js").Parts} parts */
  constructor(parts) {
    super(parts);
    /** @type {import("../wire/socket.js").Close} */
    this._close = { code: 0, reason: "not started" };
  }

  /**
   * Wait for a connection.
   *
   * @param {import("./wait.js").WaitOptions} [options]
   * @returns {Promise<import("../sockgate.js").StateDetails["connected"]>}
   */
  ready(options) {
    return waitFor(this._parts.clock, options, (resolve, reject) => {
      if (this.state === "connected") {
        resolve({ transport: this.transport, user: this.user, connection: this.connection });
      } else if (this.state === "closed") {
        reject(closed(this._close));
      }
      return [
        this.listen("state", (state, detail) => {
          if (state === "connected") {
            resolve({ ...detail });
          } else if (state === "closed") {
            reject(closed(detail));
          }
        })
      ];
    });
  }

  /**
   * @param {string} channel
   * @param {import("../channels/subscriptions.js").SubscribeOptions} [options]
   * @returns {AsyncSubscription}
   */
  subscribe(channel, options) {
    return /** @type {AsyncSubscription} */ (super.subscribe(channel, options));
  }

  /**
   * Request the presence of a channel.
   *
   * @param {string} channel
   * @param {import("../wire/requests.js").ResponseCallback} [callback]  instead of the promise
   * @returns {any} a promise, unless there is a callback
   */
  presence(channel, callback) {
    const send = (/** @type {any} */ settle) => super.presence(channel, settle);
    return callback ? send(callback) : answerTo(channel, send, this._parts.subscriptions.events);
  }

  /**
   * The messages of all channels, for a loop.
   *
   * @param {import("./messages.js").MessagesOptions} [options]
   * @returns {AsyncIterableIterator<any>}
   */
  messages(options) {
    return loopOver(this, this._parts.events, options);
  }

  /**
   * @param {import("../sockgate.js").State} state
   * @param {any} detail
   */
  _enter(state, detail) {
    if (state === "closed") {
      this._close = detail;
    }
    super._enter(state, detail);
  }
}
