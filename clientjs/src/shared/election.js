/**
 * Which tab leads: the holder of a lock of the browser; without locks, the writer of a lease in localStorage.
 *
 * @typedef {Object} Candidate
 * @property {function(): void} won
 * @property {function(): void} deposed  another tab has taken over
 * @property {function(): void} failed  this page may not use locks or storage
 *
 * @typedef {Object} Election
 * @property {function(): void} run  become the leader as soon as there is none
 * @property {function(): void} challenge  become the leader instead of one that does not answer
 * @property {function(): void} withdraw  stop being one, or a candidate
 */

const LOCK = "sockgate-leader";

/** @implements {Election} */
export class LockElection {
  /**
   * @param {any} locks
   * @param {Candidate} candidate
   */
  constructor(locks, candidate) {
    this._locks = locks;
    this._candidate = candidate;
    this._withdraw = () => {};
  }

  run() {
    this._request({});
  }

  challenge() {
    this._request({ steal: true });
  }

  withdraw() {
    this._withdraw();
    this._withdraw = () => {};
  }

  /** @param {any} how */
  _request(how) {
    this.withdraw();
    const aborter = new AbortController();
    let isOver = false;
    let isGranted = false;
    const options = how.steal ? how : { signal: aborter.signal };
    const hold = () =>
      new Promise((/** @type {any} */ resolve) => {
        isGranted = true;
        if (isOver) {
          return resolve();
        }
        this._withdraw = () => {
          isOver = true;
          resolve();
        };
        this._candidate.won();
      });
    this._withdraw = () => {
      isOver = true;
      aborter.abort();
    };
    const request = new Promise((resolve) => resolve(this._locks.request(LOCK, options, hold)));
    request.catch(() => {
      // Stolen, unless it was given up. A sandboxed page is refused at once.
      if (!isOver) {
        isOver = true;
        isGranted ? this._candidate.deposed() : this._candidate.failed();
      }
    });
  }
}

const KEY = "sockgate-leader";
const SETTLE_MS = 200;

/**
 * Without locks: a tab that has received no answer from a leader writes its name. The last writer wins. Nothing says
 * that a leader has crashed; the other tabs notice that it does not answer.
 *
 * @implements {Election}
 */
export class LeaseElection {
  /**
   * @param {Storage} storage
   * @param {import("../base/clock.js").Clock} clock
   * @param {string} id  of this tab
   * @param {Candidate} candidate
   */
  constructor(storage, clock, id, candidate) {
    this._storage = storage;
    this._clock = clock;
    this._id = id;
    this._candidate = candidate;
    this._cancel = () => {};
  }

  run() {
    this._claim(SETTLE_MS);
  }

  challenge() {
    this._claim(0);
  }

  withdraw() {
    this._cancel();
    this._cancel = () => {};
  }

  /** @param {number} waitMs  for the answer of a leader, which withdraws this candidate */
  _claim(waitMs) {
    this.withdraw();
    this._cancel = this._clock.after(waitMs, () => {
      try {
        this._storage.setItem(KEY, this._id);
      } catch (error) {
        return this._candidate.failed();
      }
      this._cancel = this._clock.after(SETTLE_MS, () => {
        if (this._storage.getItem(KEY) === this._id) {
          this._candidate.won();
        }
      });
    });
  }
}
