/**
 * Elapsed time that also counts a sleep of the computer, during which `performance.now` may stand still, and that a
 * clock set backwards does not stop.
 */
export class ElapsedTime {
  /** @param {{performance: {now: function(): number}, Date: {now: function(): number}}} page */
  constructor(page) {
    this._page = page;
    this._steady = page.performance.now();
    this._wall = page.Date.now();
    this._elapsed = 0;
  }

  /** @returns {number} milliseconds since the start */
  now() {
    const { performance, Date } = this._page;
    const [steady, wall] = [performance.now(), Date.now()];
    this._elapsed += Math.max(steady - this._steady, wall - this._wall, 0);
    this._steady = steady;
    this._wall = wall;
    return this._elapsed;
  }
}
