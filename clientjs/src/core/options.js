/**
 * Options of `connect` that no one reads: for the badge, and for the modules.
 */

const NAMES = (
  "url tokenUrl getToken loginRequired grantUrl getGrant grants token expiresIn autoConnect transport transports " +
  "fallbackAfterMs upgradeAfterMs sockjsUrl shared sharedUrl reconnect csrfToken csrfCookieName csrfHeaderName debug log"
).split(" ");

/** Differences up to this many letters are mistakes in writing. */
const NEAR = 3;

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
