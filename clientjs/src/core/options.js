/**
 * Options of `connect` that no one reads, and values that no one can use: for the badge, and for the modules.
 */

import { WAYS } from "../transports/ways.js";

/** What an option must be, where it is given and not null. @type {[string, string, function(any): boolean][]} */
const KINDS = [
  ["url", 'a path, or an address that begins with "https://" or "http://"', isPlace],
  ["transports", "names of transports, such as \"websocket\" and \"xhr-streaming\"", areTransports],
  ["getToken getGrant log", "a function", (value) => typeof value === "function"],
  ["expiresIn fallbackAfterMs upgradeAfterMs", "a number", isAmount],
  ["grants", "an object", (value) => typeof value === "object"],
  ["reconnect", 'an object with the numbers "minMs" and "maxMs"', isReconnect],
  ["tokenUrl grantUrl token transport sockjsUrl sharedUrl csrfToken csrfCookieName csrfHeaderName", "a string", (value) => typeof value === "string"]
];

const NAMES = (
  "url tokenUrl getToken loginRequired grantUrl getGrant grants token expiresIn autoConnect transport transports " +
  "fallbackAfterMs upgradeAfterMs sockjsUrl shared sharedUrl reconnect csrfToken csrfCookieName csrfHeaderName debug log"
).split(" ");

/** Differences up to this many letters are mistakes in writing. */
const NEAR = 3;

/** @param {any} value */
function isPlace(value) {
  return typeof value === "string" && (/^https?:/i.test(value) || !/^[a-z][a-z0-9+.-]*:/i.test(value));
}

/** @param {any} value */
function areTransports(value) {
  const names = Array.isArray(value) ? value : [value];
  return names.length > 0 && names.every((name) => WAYS.some(({ transports }) => transports.indexOf(name) !== -1));
}

/** @param {any} value */
function isAmount(value) {
  return typeof value === "number" && value >= 0;
}

/** @param {any} value */
function isReconnect(value) {
  return typeof value === "object" && Object.keys(value).every((name) => /^m(in|ax)Ms$/.test(name) && isAmount(value[name]));
}

/**
 * @param {any} options  of `connect`
 * @returns {string[]} a sentence for each value that cannot be used. It never has the value: that may be a token
 */
export function wrongOptions(options) {
  if (options && (typeof options !== "object" || Array.isArray(options))) {
    return ['options must be an object, such as connect({ url: "https://rt.shop.example/realtime" }).'];
  }
  /** @type {string[]} */
  const said = [];
  KINDS.forEach(([names, kind, isGood]) =>
    names
      .split(" ")
      .filter((name) => options && options[name] != null && !isGood(options[name]))
      .forEach((name) => said.push('connect: "' + name + '" must be ' + kind + "."))
  );
  return said;
}

/**
 * @param {any} options  of `connect`
 * @returns {string[]} a sentence for each option that is unknown
 */
export function unknownOptions(options) {
  return Object.keys(options || {})
    .filter((name) => NAMES.indexOf(name) === -1)
    .map((name) => {
      const nearest = nearestOf(name);
      return 'connect has no option "' + name + '"' + (nearest ? ', only "' + nearest + '"' : "") + ".";
    });
}

/** @param {string} name */
function nearestOf(name) {
  let nearest = "";
  let least = NEAR + 1;
  NAMES.forEach((known) => {
    const count = distance(name.toLowerCase(), known.toLowerCase());
    if (count < least) {
      least = count;
      nearest = known;
    }
  });
  return nearest;
}

/**
 * @param {string} one
 * @param {string} other
 * @returns {number} letters to add, remove or replace (Levenshtein)
 */
function distance(one, other) {
  const row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    let before = row[0];
    row[0] = i;
    for (let j = 1; j <= other.length; j++) {
      const cost = one[i - 1] === other[j - 1] ? before : 1 + Math.min(before, row[j], row[j - 1]);
      before = row[j];
      row[j] = cost;
    }
  }
  return row[other.length];
}
