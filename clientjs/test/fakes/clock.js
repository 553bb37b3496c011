/** A clock that moves only by `advance`. */
export class FakeClock {
  #now = 1700000000000;
  #timers = [];

  now = () => this.#now;

  /** Number of callbacks that are due later. */
  get pending() {
    return this.#timers.length;
  }

  after = (ms, callback) => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Move the time, and call the due callbacks in order. */
  advance(ms) {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = timer.at;
      timer.callback();
    }
    this.#now = end;
  }

  /** When the next callback is due within this time; undefined: never. */
  due(ms) {
    return this.#next(this.#now + ms)?.at;
  }

  /** Move the time, and call nothing: the page sleeps. */
  sleep(ms) {
    this.#now += ms;
  }

  #next(end) {
    const due = this.#timers.filter((timer) => timer.at <= end);
    return due.sort((one, other) => one.at - other.at)[0];
  }
}
