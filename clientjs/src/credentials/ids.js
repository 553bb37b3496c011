/**
 * Random ids that cannot be guessed. A SockJS session id over HTTP gives access to the session, so
 * it needs at least 110 bits of randomness. sockjs-client's own default has 40.
 */

const ALPHABET = "abcdefghijklmnopqrstuvwxyz012345";
const LENGTH = 24; // 5 bits each: 120 bits

/**
 * @typedef {Object} Randomness
 * @property {{getRandomValues: function(Uint8Array): any}} [crypto]
 * @property {{getRandomValues: function(Uint8Array): any}} [msCrypto]  in IE11
 */

/**
 * @param {Randomness} page  a window
 * @param {function(): number} [random]  returns a number in [0, 1); for browsers without a crypto object
 * @returns {string} 120 random bits, as letters and digits
 */
export function unguessableId(page, random) {
  const bytes = randomBytes(page, random || Math.random);
  let text = "";
  for (let i = 0; i < LENGTH; i++) {
    text += ALPHABET.charAt(bytes[i] & 31);
  }
  return text;
}

/**
 * @param {Randomness} page
 * @param {function(): number} random
 * @returns {Uint8Array | number[]}
 */
function randomBytes(page, random) {
  const source = page.crypto || page.msCrypto;
  if (!source || !source.getRandomValues) {
    return scrambledBytes(random);
  }
  const bytes = new Uint8Array(LENGTH);
  source.getRandomValues(bytes);
  return bytes;
}

// Browsers before IE11 have only Math.random. Each byte mixes the high bits of two draws with low
// bits of the clock, so that the ids do not reveal the generator's state.
/**
 * @param {function(): number} random
 * @returns {number[]}
 */
function scrambledBytes(random) {
  const bytes = [];
  for (let i = 0; i < LENGTH; i++) {
    bytes.push((random() * 256) ^ (random() * 256) ^ (new Date().getTime() >> (i % 8)));
  }
  return bytes;
}
