/**
 * Signs of life of one link: when the last one arrived, when a ping is due, whether the link is dead,
 * and the round trip.
 *
 * Strategy: everything that arrives is a sign of life. A WebSocket's own heartbeats are invisible to
 * scripts, so after a silence the client sends a `ping`. A link that then stays silent is dead. Both
 * limits together are 35 s, on every transport.
 */

/** After this silence a ping is due. */
export const SILENCE_MS = 30000;

/** A link is dead when nothing arrives within this time after a ping. */
export const ANSWER_MS = 5000;

// Over SockJS, heartbeats arrive every `heartbeat` seconds, a little late at times. With the gateway's
// default of 25 s, this is SILENCE_MS.
const SILENT_HEARTBEATS = 1.2;

export class Liveness {
  /**
   * @param {{now: function(): number}} clock
   */
  constructor(clock) {
    this._clock = clock;
    this._silenceMs = SILENCE_MS;
    this._receivedAt = 0;
    this._askedAt = 0;
    this._isAsked = false;
    this._isMeasuring = false;
  }

  /** @param {number} [heartbeatS]  interval of the gateway's heartbeats; a short one asks for prompt pings */
  expectHeartbeats(heartbeatS) {
    this._silenceMs = Math.min(SILENCE_MS, (heartbeatS || Infinity) * SILENT_HEARTBEATS * 1000);
  }

  /** Record a sign of life. */
  received() {
    this._receivedAt = this._clock.now();
    this._isAsked = false;
  }

  /** Record that a frame was sent which the gateway answers at once. */
  asked() {
    this._askedAt = this._clock.now();
    this._isAsked = this._isMeasuring = true;
  }

  /** @returns {number | null} the round trip in ms; null: nothing was asked */
  answered() {
    const ms = this._isMeasuring ? Math.round(this._clock.now() - this._askedAt) : null;
    this._isMeasuring = false;
    return ms;
  }

  /** @returns {boolean} nothing has arrived for long, not even an answer */
  isDead() {
    return this._isAsked && this._clock.now() - this._askedAt >= ANSWER_MS;
  }

  /**
   * @param {number} [afterMs]  default: the usual silence
   * @returns {boolean} a ping is due, and none is under way
   */
  isPingDue(afterMs) {
    const limitMs = afterMs === undefined ? this._silenceMs : afterMs;
    return !this._isAsked && this._clock.now() - this._receivedAt >= limitMs;
  }

  /** @returns {number} ms until the link must be checked again */
  nextCheckMs() {
    const dueAt = this._isAsked ? this._askedAt + ANSWER_MS : this._receivedAt + this._silenceMs;
    return Math.max(0, dueAt - this._clock.now());
  }
}
