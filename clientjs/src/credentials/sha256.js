/** SHA-256 (FIPS 180-4). `crypto.subtle` needs HTTPS, and old browsers lack it. */

const FIRST_PRIMES = 64;

/** @type {number[]} */
const ROUND_CONSTANTS = [];
/** @type {number[]} */
const INITIAL = [];

(function () {
  for (let candidate = 2; ROUND_CONSTANTS.length < FIRST_PRIMES; candidate++) {
    if (isPrime(candidate)) {
      if (INITIAL.length < 8) {
        INITIAL.push(fractionOf(Math.pow(candidate, 1 / 2)));
      }
      ROUND_CONSTANTS.push(fractionOf(Math.pow(candidate, 1 / 3)));
    }
  }
})();

/** @param {number} candidate */
function isPrime(candidate) {
  for (let factor = 2; factor * factor <= candidate; factor++) {
    if (candidate % factor === 0) {
      return false;
    }
  }
  return true;
}

/** @param {number} root */
function fractionOf(root) {
  return ((root - Math.floor(root)) * 0x100000000) | 0;
}

/**
 * @param {string} text  ASCII
 * @returns {string} the digest, hexadecimal
 */
export function sha256(text) {
  const words = paddedWords(text);
  const state = INITIAL.slice(0);
  for (let i = 0; i < words.length; i += 16) {
    digestBlock(state, words.slice(i, i + 16));
  }
  return hexOf(state);
}

/** @param {string} text */
function paddedWords(text) {
  /** @type {number[]} */
  const words = [];
  const count = (((text.length + 8) >> 6) + 1) * 16;
  for (let i = 0; i < count; i++) {
    words.push(0);
  }
  for (let i = 0; i < text.length; i++) {
    words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
  }
  words[text.length >> 2] |= 0x80 << (24 - (text.length % 4) * 8);
  words[count - 1] = text.length * 8;
  return words;
}

/**
 * @param {number[]} state
 * @param {number[]} w  sixteen words
 */
function digestBlock(state, w) {
  for (let i = 16; i < 64; i++) {
    const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let v = state.slice(0);
  for (let i = 0; i < 64; i++) {
    const e = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    const t1 = (v[7] + e + ((v[4] & v[5]) ^ (~v[4] & v[6])) + ROUND_CONSTANTS[i] + w[i]) | 0;
    const a = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    const t2 = (a + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
    v = [(t1 + t2) | 0, v[0], v[1], v[2], (v[3] + t1) | 0, v[4], v[5], v[6]];
  }
  for (let i = 0; i < 8; i++) {
    state[i] = (state[i] + v[i]) | 0;
  }
}

/**
 * @param {number} word
 * @param {number} bits
 */
function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** @param {number[]} words */
function hexOf(words) {
  let text = "";
  for (let i = 0; i < words.length; i++) {
    text += ("0000000" + (words[i] >>> 0).toString(16)).slice(-8);
  }
  return text;
}
