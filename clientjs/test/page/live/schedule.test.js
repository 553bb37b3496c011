/** When a live page fetches itself. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { MIN_SPACING_MS, scheduleOf } from "../../../src/page/live/schedule.js";
import { FakeClock } from "../../fakes/clock.js";

class Page {
  clock = new FakeClock();
  isHidden = false;
  random = 0.5;
  /** When fetches began. */
  fetches = [];
  /** Of fetches that run. */
  answers = [];
  start = this.clock.now();

  /** Of answers. */
  tookMs = 0;
  /** In the browser, before they are sent. */
  queuedMs = 0;
  isNeeded = true;

  constructor() {
    const page = this;
    this.schedule = scheduleOf(
      {
        Math: { random: () => page.random },
        performance: { now: this.clock.now },
        document: { get hidden() { return page.isHidden; } },
        Document: { prototype: {} },
        setTimeout: (callback, ms) => this.clock.after(ms, callback),
        clearTimeout: (cancel) => cancel && cancel(),
      },
      () => this.isNeeded,
      () => {
        this.fetches.push(this.clock.now() - this.start);
        return new Promise((resolve) => this.answers.push(resolve));
      },
    );
  }

  /** Busy: the site says so, and asks to wait for so many ms. */
  async answer(busyMs = null) {
    this.clock.advance(this.tookMs + this.queuedMs);
    this.schedule.answered(this.tookMs);
    this.answers.shift()(busyMs === null ? null : { ms: busyMs, isBusy: true });
    await new Promise((resolve) => setImmediate(resolve));
  }

  async fail() {
    this.answers.shift()({ ms: 0, isBusy: false });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a request is followed by one fetch, at a random moment in the window", () => {
  for (const random of [0, 0.25, 0.999]) {
    const page = new Page();
    page.random = random;
    page.schedule.request(20000);
    page.clock.advance(20000);
    assert.deepEqual(page.fetches, [20000 * random]);
  }
});

test("more requests before the fetch change nothing", () => {
  const page = new Page();
  page.random = 0.9;
  page.schedule.request(20000);
  for (let number = 0; number < 50; number++) {
    page.random = 0;
    page.clock.advance(200);
    page.schedule.request(20000);
  }
  page.clock.advance(50000);
  assert.deepEqual(page.fetches, [18000]);
});

test("requests while a fetch runs cause exactly one more, a window later, if it is needed then", async () => {
  for (const isNeeded of [true, false]) {
    const page = new Page();
    page.schedule.request(20000);
    page.clock.advance(10000);
    for (let number = 0; number < 9; number++) page.schedule.request(20000);
    page.random = 0;
    page.isNeeded = isNeeded;
    await page.answer();
    page.clock.advance(200000);
    assert.deepEqual(page.fetches, isNeeded ? [10000, 30000] : [10000]);
    if (isNeeded) await page.answer();
    page.clock.advance(200000);
    assert.equal(page.fetches.length, isNeeded ? 2 : 1);
  }
});

test("a fetch that is not needed any more is left out", () => {
  const page = new Page();
  page.schedule.request(20000);
  page.isNeeded = false;
  page.clock.advance(20000);
  assert.deepEqual(page.fetches, []);
});

test("a page makes one request in a window at most, however often it is touched", async () => {
  const page = new Page();
  for (let ms = 0; ms < 400000; ms += 100) {
    page.random = Math.random();
    page.schedule.request(20000);
    page.clock.advance(100);
    if (page.answers.length) await page.answer();
  }
  const gaps = page.fetches.slice(1).map((ms, index) => ms - page.fetches[index]);
  assert.ok(gaps.every((gap) => gap >= 20000), `${gaps}`);
  assert.ok(page.fetches.length >= 18, `${page.fetches}`);
});

test("fetches of a page without an audience are spaced, too", async () => {
  const page = new Page();
  page.schedule.request(0);
  page.clock.advance(0);
  await page.answer();
  page.schedule.request(0);
  page.clock.advance(1000);
  assert.deepEqual(page.fetches, [0, MIN_SPACING_MS]);
});

/** The moments of a page that is touched all the time, whose answers take so long. */
async function fetchesOf(windowMs, tookMs, forMs) {
  const page = new Page();
  page.random = 0.999;
  page.tookMs = tookMs;
  while (page.clock.now() - page.start < forMs) {
    page.schedule.request(windowMs);
    page.clock.advance(5);
    if (page.answers.length) await page.answer();
  }
  return page.fetches;
}

test("the window grows with the time that an answer takes, and a quick site is not spared", async () => {
  const spacing = async (windowMs, tookMs) => {
    const fetches = await fetchesOf(windowMs, tookMs, 100000);
    return fetches.at(-1) - fetches.at(-2);
  };
  const spacings = [await spacing(2000, 5), await spacing(2000, 25), await spacing(2000, 60), await spacing(2000, 1000)];
  // One page alone burdens no site.
  spacings.push(await spacing(10, 1000));
  const least = [2000, 5000, 10000, 20000, 1900];
  assert.ok(spacings.every((ms, index) => ms >= least[index] && ms <= 1.2 * least[index]), `${spacings}`);
});

test("before an answer was measured, the site is supposed to be slow", () => {
  const page = new Page();
  page.random = 0.999;
  page.schedule.request(2000);
  page.clock.advance(9000);
  assert.deepEqual(page.fetches, []);
  page.clock.advance(1000);
  assert.equal(page.fetches.length, 1);
});

test("a request that must vanish fetches at once, before the window and in a hidden page", () => {
  const page = new Page();
  page.schedule.request(20000);
  page.schedule.request(0, 0, true);
  page.clock.advance(0);
  assert.deepEqual(page.fetches, [0]);
  const hidden = new Page();
  hidden.isHidden = true;
  hidden.schedule.request(0, 0, true);
  hidden.clock.advance(0);
  assert.deepEqual(hidden.fetches, [0]);
});

test("many that must vanish are spread over their window, too", () => {
  const page = new Page();
  page.isHidden = true;
  page.schedule.request(20000, 0, true);
  page.clock.advance(9999);
  assert.deepEqual(page.fetches, []);
  page.clock.advance(1);
  assert.deepEqual(page.fetches, [10000]);
});

test("a request that must vanish while a fetch runs is not lost in a hidden page", async () => {
  const page = new Page();
  page.schedule.request(0);
  page.clock.advance(0);
  page.isHidden = true;
  page.schedule.request(0, 0, true);
  await page.answer();
  page.clock.advance(1000);
  assert.equal(page.fetches.length, 2);
});

test("a hidden page whose content must vanish tries again when its fetch has failed", async () => {
  const page = new Page();
  page.isHidden = true;
  page.schedule.request(0, 0, true);
  page.clock.advance(0);
  await page.fail();
  page.clock.advance(1000);
  assert.equal(page.fetches.length, 2);
  await page.answer();
  page.schedule.request(0);
  page.clock.advance(100000);
  assert.equal(page.fetches.length, 2);
});

test("a hidden page waits until it is seen, and fetches once", () => {
  const page = new Page();
  page.isHidden = true;
  for (let number = 0; number < 5; number++) page.schedule.request(20000);
  page.clock.advance(60000);
  assert.deepEqual(page.fetches, []);
  page.isHidden = false;
  page.schedule.seen();
  page.clock.advance(20000);
  assert.deepEqual(page.fetches, [60000]);
});

test("a page that is hidden when its fetch is due waits, too", () => {
  const page = new Page();
  page.schedule.request(20000);
  page.isHidden = true;
  page.clock.advance(20000);
  assert.deepEqual(page.fetches, []);
  page.isHidden = false;
  page.schedule.seen();
  page.clock.advance(0);
  assert.deepEqual(page.fetches, [20000]);
});

test("a page that was hidden without a touch fetches nothing", () => {
  const page = new Page();
  page.schedule.seen();
  page.clock.advance(5000);
  assert.deepEqual(page.fetches, []);
});

test("a failed fetch is tried again, less and less often", async () => {
  const page = new Page();
  const waits = [];
  page.schedule.request(0);
  page.clock.advance(0);
  for (let number = 0; number < 9; number++) {
    const before = page.clock.now();
    await page.fail();
    while (!page.answers.length) page.clock.advance(250);
    waits.push(page.clock.now() - before);
  }
  assert.ok(waits[0] <= 1000 && waits[8] >= 30000 && waits[8] <= 60000, `${waits}`);
});

test("what the site asks for holds, also when touches go on, when it is seen, and where content must vanish", async () => {
  const page = new Page();
  page.schedule.request(100);
  page.clock.advance(1000);
  await page.answer(600000);
  for (let second = 0; second < 599; second++) {
    page.schedule.request(100, 0, second % 2 === 0);
    page.isHidden = second % 3 === 0;
    page.schedule.seen();
    page.clock.advance(1000);
  }
  assert.equal(page.fetches.length, 1);
  page.isHidden = false;
  page.clock.advance(1500);
  assert.equal(page.fetches.length, 2);
});

test("after an answer that the site is busy, fetches are farther apart for a while", async () => {
  const page = new Page();
  /** How long until the next fetch, of a page that is touched all the time. */
  const wait = async (busyMs) => {
    const before = page.clock.now();
    await page.answer(busyMs);
    while (!page.answers.length) {
      page.schedule.request(2000);
      page.clock.advance(5);
    }
    return page.clock.now() - before;
  };
  page.random = 0;
  page.schedule.request(2000);
  page.clock.advance(0);
  const calm = [await wait(), await wait(), await wait()].at(-1);
  await wait(0);
  const waits = [];
  for (let number = 0; number < 9; number++) waits.push(await wait());
  assert.ok(calm <= 2500 && waits[0] >= 10000 && waits.at(-1) <= 2500, `${calm} ${waits}`);
});

test("what a request has waited for in the browser does not count as the site's answer", async () => {
  const page = new Page();
  Object.assign(page, { random: 0.5, tookMs: 1, queuedMs: 9000 });
  for (let times = 0; times < 9; times++) {
    page.schedule.request(2000);
    page.clock.advance(60000);
    await page.answer();
  }
  page.clock.advance(60000);
  const began = page.clock.now() - page.start;
  page.schedule.request(2000);
  page.clock.advance(60000);
  assert.equal(page.fetches.at(-1) - began, 1000);
});
