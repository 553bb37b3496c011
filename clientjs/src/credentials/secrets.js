/**
 * The secrets of SockJS sessions. Proxies log the URLs of a session, so a URL alone must not be
 * enough to receive or to publish. Requests with a body carry the session's secret, and a GET
 * carries a ticket that is valid once. docs/protocol.md defines the ticket.
 *
 * The build patches sockjs-client (sockjspatches.js) to call these functions.
 */
import { sha256 } from "./sha256.js";

/** @type {Object<string, {secret: string, used: number}>} */
const sessions = {};

/**
 * Register a SockJS session.
 *
 * @param {any} owner  has one session at a time
 * @param {string} url  of the session
 * @param {string | null | undefined} secret  null: the session has none
 * @returns {string | null} the secret
 */
export function begin(owner, url, secret) {
  end(owner);
  if (!secret) {
    return null;
  }
  owner._sessionKey = keyOf(url);
  sessions[owner._sessionKey] = { secret, used: -1 };
  return secret;
}

/**
 * Remove the session of an owner.
 *
 * @param {any} owner
 */
export function end(owner) {
  if (owner._sessionKey) {
    delete sessions[owner._sessionKey];
    owner._sessionKey = "";
  }
}

/**
 * @param {string} url  of a session
 * @returns {string | null}
 */
export function secretOf(url) {
  const session = sessions[keyOf(url)];
  return session ? session.secret : null;
}

/**
 * @param {string} url  of a receiver: that of a session, and one more part
 * @returns {string | null} body of a POST to it
 */
export function bodyFor(url) {
  return secretOf(sessionOf(url));
}

/**
 * @param {string} url  of a receiver
 * @returns {string} URL of the next GET
 */
export function ticketed(url) {
  const session = sessions[keyOf(sessionOf(url))];
  if (!session) {
    return url;
  }
  session.used++;
  const mark = url.indexOf("?") === -1 ? "?" : "&";
  return url + mark + "ticket=" + ticket(session.secret, session.used);
}

/**
 * @param {string} secret
 * @param {number} number  0: the ticket of the first request
 * @returns {string}
 */
export function ticket(secret, number) {
  const digest = number ? proof(secret, number) : digestOf(proof(secret, 1));
  return number + "-" + digest;
}

/**
 * @param {string} secret
 * @param {number} number
 */
function proof(secret, number) {
  return digestOf(secret + ":" + number);
}

/** @param {string} text */
function digestOf(text) {
  return sha256(text).slice(0, 32);
}

/** @param {string} url */
function sessionOf(url) {
  return url.split("?")[0].replace(/\/[^\/]*$/, "");
}

/** @param {string} url */
function keyOf(url) {
  return "$" + url.split("?")[0];
}

/** For sockjs-client, whose modules are CommonJS. */
export default { begin, end, secretOf, bodyFor, ticketed };
