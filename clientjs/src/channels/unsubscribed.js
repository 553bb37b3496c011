/**
 * Why a channel is not subscribed any more: what handlers of "unsubscribed" receive.
 */

import { copy } from "../base/own.js";

/**
 * @typedef {Object} Unsubscribed
 * @property {"unsubscribed"} type
 * @property {string} channel
 * @property {string} code  of the refusal, or "revoked", "rights_changed", "unsubscribed"
 * @property {string} message  for developers
 * @property {string} reason  a sentence for users
 * @property {number} [audience]  of how many the right was taken away
 * @property {number} [within]  seconds in which to ask Django for another grant
 */

/** By code. @type {Object<string, string>} */
const REASONS = {
  not_allowed: "You have no access to this.",
  revoked: "Your access has ended.",
  rights_changed: "Your access has changed.",
  unsubscribed: "Live updates were stopped."
};

/**
 * @param {string} channel
 * @param {{code?: string, reason?: string, message?: string, audience?: number, within?: number}} why  a refusal, or an `unsubscribed` frame
 * @param {string} code  where `why` has none
 * @returns {Unsubscribed}
 */
export function unsubscribedFrame(channel, why, code) {
  const given = why.code || why.reason || code;
  return copy(
    {
      type: "unsubscribed",
      channel,
      code: given,
      message: why.message || given,
      reason: REASONS[given] || "Live updates are not available here."
    },
    copy(why, {})
  );
}
