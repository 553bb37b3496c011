/**
 * Frames, as docs/protocol.md draws them: JSON texts, each one SockJS message. What a client
 * sends is written here, what it receives is read here.
 */

/**
 * @typedef {[string, number]} Position  epoch and offset in a channel's history
 *
 * @typedef {Object} Frame
 * @property {string} [type]  absent on a publication
 * @property {string} [channel]
 * @property {any} [data]
 * @property {string} [epoch]  only of the first publication of an epoch
 * @property {number} [offset]
 *
 * @typedef {Object} Message  what a handler is given beside the data
 * @property {string} event
 * @property {any} data
 * @property {string} channel
 * @property {number} [offset]  of a sequenced publication
 * @property {string} [from]  the user who has published it from his browser
 */

/**
 * Write the first frame.
 *
 * @param {string} token
 * @param {Object<string, Position>} recover  up to where each channel was heard
 * @returns {string}
 */
export function connectFrame(token, recover) {
  return JSON.stringify({ type: "connect", token: token, recover: recover });
}

/**
 * Show a fresh token on a live connection.
 *
 * @param {string} token
 * @returns {string}
 */
export function refreshFrame(token) {
  return JSON.stringify({ type: "refresh", token: token });
}

/**
 * Ask for a channel.
 *
 * @param {string} channel
 * @param {string | null} grant  null: the channel is public
 * @param {Position | null} position  up to where it was heard; null: never
 * @param {number} id
 * @returns {string}
 */
export function subscribeFrame(channel, grant, position, id) {
  /** @type {any} */
  var frame = { type: "subscribe", channel: channel, id: id };
  if (grant) {
    frame.grant = grant;
  }
  if (position) {
    frame.recover = position;
  }
  return JSON.stringify(frame);
}

/**
 * Leave a channel.
 *
 * @param {string} channel
 * @param {number} id
 * @returns {string}
 */
export function unsubscribeFrame(channel, id) {
  return JSON.stringify({ type: "unsubscribe", channel: channel, id: id });
}

/**
 * Ask who is in a channel.
 *
 * @param {string} channel
 * @param {number} id
 * @returns {string}
 */
export function presenceFrame(channel, id) {
  return JSON.stringify({ type: "presence", channel: channel, id: id });
}

/**
 * Publish on a channel that is heard.
 *
 * @param {string} channel
 * @param {string} event
 * @param {any} data  undefined has no JSON form, and is sent as null
 * @param {number} id
 * @returns {string}
 */
export function publishFrame(channel, event, data, id) {
  var sent = data === undefined ? null : data;
  return JSON.stringify({ type: "publish", channel: channel, event: event, data: sent, id: id });
}

/**
 * Read what the gateway sent.
 *
 * @param {string} text
 * @returns {Frame | null} null: not a frame
 */
export function readFrame(text) {
  try {
    return asObject(JSON.parse(text));
  } catch (error) {
    return null;
  }
}

/**
 * @param {Frame} frame
 * @returns {boolean}
 */
export function isPublication(frame) {
  return frame.type === undefined && typeof frame.channel === "string" && "data" in frame;
}

/**
 * Turn a publication into what handlers are given: `{"event":…,"data":…}` is unwrapped, any
 * other payload is the data of the event "message".
 *
 * @param {Frame} publication
 * @returns {Message}
 */
export function messageOf(publication) {
  var named = asNamed(publication.data);
  var message = /** @type {Message} */ ({
    event: named ? named.event : "message",
    data: named ? named.data : publication.data,
    channel: publication.channel
  });
  if (publication.offset !== undefined) {
    message.offset = publication.offset;
  }
  if (named && typeof named.from === "string") {
    message.from = named.from;
  }
  return message;
}

/** @param {any} payload */
function asNamed(payload) {
  var fields = asObject(payload);
  return fields && typeof fields.event === "string" && "data" in fields ? fields : null;
}

/** @param {any} value */
function asObject(value) {
  // IE8 calls null and undefined "[object Object]", too.
  return value && Object.prototype.toString.call(value) === "[object Object]" ? value : null;
}
