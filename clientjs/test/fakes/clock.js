/** A clock that stands still until it is told to go on. */
export class FakeClock {
  #now = 1700000000000;
  #timers = [];

  now = () => this.#now;

  after = (ms, callback) => {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Let time pass, and call in order what is due. */
  advance(ms) {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#now = timer.at;
      timer.callback();
    }
    this.#now = end;
  }

  #next(end) {
    const due = this.#timers.filter((timer) => timer.at <= end);
    return due.sort((one, other) => one.at - other.at)[0];
  }
}
