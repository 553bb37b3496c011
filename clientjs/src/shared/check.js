/**
 * Checks the frames of a tab by the contract, as strictly as the gateway decodes them. The gateway closes the
 * connection for a frame that it cannot decode. That must not end the connection of the other tabs.
 */
import { CLIENT_FRAMES } from "../wire/contract.js";

/** @type {Object<string, function(any): boolean>} */
const CHECKS = {
  string: isString,
  id: (value) => isString(value) || Number.isSafeInteger(value),
  recover: isRecover,
  recovers: (value) =>
    !!value &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).every((name) => isString(name) && isRecover(value[name])),
  any: () => true
};

/**
 * @param {any} frame
 * @returns {boolean} the gateway can decode it
 */
export function isFrame(frame) {
  const members = frame && Object.entries(CLIENT_FRAMES).find(([type]) => type === frame.type);
  return !!members && Object.entries(members[1]).every(([name, rule]) => isMember(frame[name], rule));
}

/**
 * @param {any} value
 * @param {string} rule  of CLIENT_FRAMES
 */
function isMember(value, rule) {
  const [, kind, mayBeAbsent, mayBeNull] = /** @type {string[]} */ (/^(\w+)(\??)(.*)$/.exec(rule));
  if (value === undefined) {
    return !!mayBeAbsent;
  }
  return (value === null && !!mayBeNull) || CHECKS[kind](value);
}

/** @param {any} value */
function isRecover(value) {
  const isPosition =
    Array.isArray(value) && value.length === 2 && isString(value[0]) && Number.isSafeInteger(value[1]);
  return isPosition || value === "all" || (Number.isSafeInteger(value) && value > 0);
}

// UTF-8 has no half of a surrogate pair.
/** @param {any} value */
function isString(value) {
  try {
    return typeof value === "string" && encodeURIComponent(value).length >= 0;
  } catch (error) {
    return false;
  }
}
