/**
 * The channels that the fragments of a page follow, with the grants that the page carries.
 *
 * Strategy: the gateway limits the channels of a connection. Those of the page's own script come first: fragments take theirs
 * in steps, give some back when the limit is reached, and more when the page's own channel is refused.
 */

/** Only the gateway subscribes them, without a grant. */
export const AUTOMATIC = /^(broadcast$|user:|group:)/;
/** Codes of a subscription that a fresh grant may renew. */
const RENEWABLE = /^(not_allowed|revoked|rights_changed)$/;
const FULL = "too_many_channels";
/** Requested at a time. */
const STEP = 50;
/** Left to the page's own script. */
const RESERVE = 10;

/**
 * @typedef {{room: any, grant: string | null | undefined, isAnswered?: boolean, isEnded?: boolean, refusals: number}} Followed
 *
 * What the page does.
 *
 * @typedef {Object} Live
 * @property {function(string, any): void} subscribed  a channel; the frame
 * @property {function(string, any, Followed): void} ended  a channel; why
 * @property {function(string, Followed): void} refused  the page's new grant is the refused one
 * @property {function(string): void} warn
 */

/**
 * @param {any} rt  the client
 * @param {Live} live
 */
export function channelsOf(rt, { subscribed, ended, refused, warn }) {
  /** By channel. @type {Map<string, Followed>} */
  const followed = new Map();
  /** The last wanted ones. @type {Map<string, import("./fragments.js").Wanted>} */
  let wanted = new Map();
  let most = Infinity;

  /** Follow these and no others. @param {Map<string, import("./fragments.js").Wanted>} channels */
  function followAll(channels) {
    wanted = channels;
    [...followed.keys()].filter((one) => !wanted.has(one)).forEach(leave);
    for (const [channel, { grant }] of wanted) {
      const before = followed.get(channel);
      if (before && before.grant === grant) {
        if (before.isEnded) {
          refused(channel, before);
        }
      } else if (!isLacking(channel) && (before || hasPlace())) {
        subscribe(channel, grant, before);
      }
    }
  }

  /** @param {string} channel @returns {boolean} there is no grant for it */
  function isLacking(channel) {
    return wanted.get(channel)?.grant === undefined && !AUTOMATIC.test(channel);
  }

  /** @returns {boolean} */
  function hasPlace() {
    return followed.size < most && [...followed.values()].filter((one) => !one.isAnswered).length < STEP;
  }

  /** @param {string} channel @param {string | null | undefined} grant @param {Followed | undefined} before */
  function subscribe(channel, grant, before) {
    const room = rt.subscribe(channel, { grant });
    /** @type {Followed} */
    const one = { room, grant, isAnswered: before?.isAnswered, refusals: before?.refusals || 0 };
    followed.set(channel, one);
    room.on("subscribed", (/** @type {any} */ _, /** @type {any} */ info) => {
      if (followed.get(channel) === one) {
        one.isAnswered = true;
        one.refusals = 0;
        subscribed(channel, info);
        followAll(wanted);
      }
    });
    room.on("unsubscribed", (/** @type {any} */ _, /** @type {any} */ why) => {
      if (followed.get(channel) === one) {
        one.isAnswered = true;
        if (why.code === FULL) {
          giveBack(channel);
        } else if (RENEWABLE.test(why.code)) {
          one.isEnded = true;
          ended(channel, why, one);
        }
      }
    });
    before?.room.unsubscribe();
  }

  /** @param {string} channel  has no place */
  function giveBack(channel) {
    leave(channel);
    // The gateway refuses all that wait, too.
    [...followed.keys()].filter((one) => !followed.get(one)?.isAnswered).forEach(leave);
    [...followed.keys()].slice(-RESERVE).forEach(leave);
    most = followed.size;
    warn(`only ${most} of ${wanted.size} live channels (SOCKGATE_MAX_CHANNELS)`);
  }

  /** @param {string} channel */
  function leave(channel) {
    const one = followed.get(channel);
    followed.delete(channel);
    one?.room.unsubscribe();
  }

  rt.on("unsubscribed", (/** @type {string} */ channel, /** @type {any} */ why) => {
    if (why.code === FULL && followed.size && !wanted.has(channel)) {
      giveBack(channel);
      const room = rt.subscribe(channel);
      room.on("subscribed", () => room.unsubscribe());
    }
  });
  return {
    followAll,
    /** @param {string} channel */
    has: (channel) => followed.has(channel),
    /** @returns {boolean} a channel is not subscribed, for there is no grant */
    lacksAny: () => [...wanted.keys()].some((one) => isLacking(one) && (!followed.has(one) || followed.get(one)?.isEnded))
  };
}
