/**
 * Frames of docs/protocol.md: JSON texts, each one SockJS message. Writes those that a client sends,
 * and parses those that it receives.
 */
import { isForOldBrowsers } from "../base/age.js";
import { copy, parsed } from "../base/own.js";

/**
 * @typedef {[string, number]} Position  epoch and offset in a channel's history
 * @typedef {Position | number | "all"} Recover  after a position, or how many of the newest publications
 *
 * @typedef {Object} Frame
 * @property {string} [type]  absent on a publication
 * @property {string} [channel]
 * @property {any} [data]
 * @property {string} [epoch]  only in the first publication of an epoch
 * @property {number} [offset]
 * @property {number} [audience]  of a touch
 * @property {number} [touched]  of a touch: the mark of the channel; absent: unknown
 *
 * @typedef {Object} Message  the second argument of a handler
 * @property {string} event
 * @property {any} data
 * @property {string} channel
 * @property {number} [offset]  of a sequenced publication
 * @property {number} [audience]  of a touch: about how many connections receive it
 * @property {number} [touched]  of a touch: the mark of the channel; absent: unknown
 * @property {string} [from]  primary key of the user who published it from a browser
 */

/**
 * Write a `connect` frame, the first one of a connection.
 *
 * @param {string} token
 * @param {Object<string, Recover>} recover  of each channel
 * @returns {string}
 */
export function connectFrame(token, recover) {
  return JSON.stringify({ type: "connect", token, recover });
}

/**
 * Write a `refresh` frame, which brings a fresh token to a live connection.
 *
 * @param {string} token
 * @returns {string}
 */
export function refreshFrame(token) {
  return JSON.stringify({ type: "refresh", token });
}

/** @returns {string} a `ping` frame */
export function pingFrame() {
  return '{"type":"ping"}';
}

// Requests. They are objects, because requests.js adds the id.

/**
 * @param {string} channel
 * @param {string | null} grant  null: the channel is public
 * @param {Recover | null} position  recover from here; null: no recovery
 * @returns {any}
 */
export function subscribeFrame(channel, grant, position) {
  return { type: "subscribe", channel, grant: grant || undefined, recover: position || undefined };
}

/**
 * @param {string} channel
 * @returns {any}
 */
export function unsubscribeFrame(channel) {
  return { type: "unsubscribe", channel };
}

/**
 * @param {string} channel
 * @param {any} [data]  set it for this page, in place of a request for the presence; null removes it
 * @returns {any}
 */
export function presenceFrame(channel, data) {
  return { type: data === undefined ? "presence" : "set_presence", channel, data };
}

/**
 * @param {string} channel
 * @param {string} event
 * @param {any} data  undefined has no JSON form, and is sent as null
 * @returns {any}
 */
export function publishFrame(channel, event, data) {
  return { type: "publish", channel, event, data: data === undefined ? null : data };
}

/**
 * Parse a frame of the gateway.
 *
 * @param {string | null} text
 * @returns {Frame | null} null: not a frame
 */
export function readFrame(text) {
  return asObject(parsed(text));
}

/**
 * @param {Frame} frame
 * @returns {boolean}
 */
export function isPublication(frame) {
  return frame.type === undefined && typeof frame.channel === "string" && "data" in frame;
}

/**
 * Convert a publication into the message for handlers. A payload `{"event":…,"data":…}` is
 * unwrapped. Any other payload is the data of the event "message".
 *
 * @param {Frame} publication
 * @returns {Message}
 */
export function messageOf(publication) {
  const named = asNamed(publication.data);
  // Its channel, its offset, and what the gateway says of a touch.
  const message = copy(publication, {});
  message.event = named ? named.event : "message";
  message.data = (named || publication).data;
  if (named && typeof named.from === "string") {
    message.from = named.from;
  }
  return message;
}

/** @param {any} payload */
function asNamed(payload) {
  const fields = asObject(payload);
  return fields && typeof fields.event === "string" && "data" in fields ? fields : null;
}

/** @param {any} value */
function asObject(value) {
  if (!isForOldBrowsers) {
    return value instanceof Object && !Array.isArray(value) ? value : null;
  }
  // In IE8, null and undefined are "[object Object]", too.
  return value && Object.prototype.toString.call(value) === "[object Object]" ? value : null;
}
