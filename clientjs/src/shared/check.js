/**
 * The frames of a tab, decoded as strictly as by the gateway (docs/protocol.md#what-a-client-sends). The gateway closes the
 * connection for a frame that is none. That must not end the connection of the other tabs.
 */

/** @typedef {function(any): boolean} Check */

/** @type {Check} */
const isText = (value) => typeof value === "string" && isWellFormed(value);

/** @type {Check} */
const isOptionalText = (value) => value === undefined || value === null || isText(value);

/** @type {Check} */
const isPosition = (value) =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && Number.isSafeInteger(value[1]);

/** @type {Check} */
const isRecover = (value) => isPosition(value) || value === "all" || (Number.isSafeInteger(value) && value > 0);

/** @type {Check} */
const isOptionalRecover = (value) => value === undefined || value === null || isRecover(value);

/** @type {Check} */
const areRecover = (value) =>
  value === undefined ||
  (!!value &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).every((name) => isText(name) && isRecover(value[name])));

/** By type of frame. @type {Object<string, Object<string, Check>>} */
const KINDS = {
  "a connect": { token: isText, recover: areRecover },
  "a refresh": { token: isText },
  "a subscribe": { channel: isText, grant: isOptionalText, recover: isOptionalRecover },
  "a unsubscribe": { channel: isText },
  "a presence": { channel: isText },
  "a set_presence": { channel: isText, data: (value) => value !== undefined },
  "a publish": { channel: isText, event: isText, data: (value) => value !== undefined },
  "a ping": {}
};

/**
 * @param {any} frame
 * @returns {boolean} the gateway can decode it
 */
export function isFrame(frame) {
  const kinds = frame && KINDS["a " + frame.type];
  return !!kinds && Object.keys(kinds).every((name) => kinds[name](frame[name]));
}

// UTF-8 has no half of a surrogate pair.
/** @param {string} text */
function isWellFormed(text) {
  try {
    return encodeURIComponent(text).length >= 0;
  } catch (error) {
    return false;
  }
}
