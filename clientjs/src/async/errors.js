/**
 * The error of rejected promises and of loops that cannot go on.
 */

/**
 * @typedef {Object} Details
 * @property {string} [channel]
 * @property {number} [closeCode]  close code or HTTP status, where the client is closed
 */

export class SockgateError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {Details} [details]
   */
  constructor(code, message, details) {
    super(message);
    this.name = "SockgateError";
    this.code = code;
    const { channel, closeCode } = details || {};
    this.channel = channel;
    this.closeCode = closeCode;
  }
}

/**
 * @param {import("../wire/requests.js").Refusal} refusal
 * @param {string} channel
 * @returns {SockgateError}
 */
export function refused(refusal, channel) {
  return new SockgateError(refusal.code, `${channel}: ${refusal.message}`, { channel });
}

/**
 * @param {import("../wire/socket.js").Close} close
 * @returns {SockgateError}
 */
export function closed(close) {
  const message = `the client is closed: ${close.code} ${close.reason}`;
  return new SockgateError("closed", message, { closeCode: close.code });
}
