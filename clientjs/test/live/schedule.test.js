/** When a live page fetches itself. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { MIN_SPACING_MS, Schedule } from "../../src/live/schedule.js";
import { FakeClock } from "../fakes/clock.js";

class Page {
  clock = new FakeClock();
  isHidden = false;
  random = 0.5;
  /** When fetches began. */
  fetches = [];
  /** Of fetches that run. */
  answers = [];
  start = this.clock.now();

  constructor() {
    this.schedule = new Schedule(
      () => {
        this.fetches.push(this.clock.now() - this.start);
        return new Promise((resolve) => this.answers.push(resolve));
      },
      {
        now: this.clock.now,
        random: () => this.random,
        setTimeout: (callback, ms) => this.clock.after(ms, callback),
        clearTimeout: (cancel) => cancel && cancel(),
        isHidden: () => this.isHidden,
      },
    );
  }

  async answer(retryMs = null) {
    this.answers.shift()(retryMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("a touch is followed by one fetch, at a random moment in the window", () => {
  for (const random of [0, 0.25, 0.999]) {
    const page = new Page();
    page.random = random;
    page.schedule.request(2000);
    page.clock.advance(2000);
    assert.deepEqual(page.fetches, [2000 * random]);
  }
});

test("more touches before the fetch change nothing", () => {
  const page = new Page();
  page.random = 0.9;
  page.schedule.request(2000);
  for (let number = 0; number < 50; number++) {
    page.random = 0;
    page.clock.advance(20);
    page.schedule.request(2000);
  }
  page.clock.advance(5000);
  assert.deepEqual(page.fetches, [1800]);
});

test("touches while a fetch runs cause exactly one more, a window later", async () => {
  const page = new Page();
  page.schedule.request(2000);
  page.clock.advance(1000);
  for (let number = 0; number < 9; number++) page.schedule.request(2000);
  page.random = 0;
  await page.answer();
  page.clock.advance(20000);
  assert.deepEqual(page.fetches, [1000, 3000]);
  await page.answer();
  page.clock.advance(20000);
  assert.equal(page.fetches.length, 2);
});

test("a page makes one request in a window at most, however often it is touched", async () => {
  const page = new Page();
  for (let ms = 0; ms < 20000; ms += 10) {
    page.random = Math.random();
    page.schedule.request(1000);
    page.clock.advance(10);
    if (page.answers.length) await page.answer();
  }
  const gaps = page.fetches.slice(1).map((ms, index) => ms - page.fetches[index]);
  assert.ok(gaps.every((gap) => gap >= 1000), `${gaps}`);
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

test("an urgent request fetches at once, before the window and in a hidden page", () => {
  const page = new Page();
  page.schedule.request(2000);
  page.schedule.request(0, true);
  page.clock.advance(0);
  assert.deepEqual(page.fetches, [0]);
  const hidden = new Page();
  hidden.isHidden = true;
  hidden.schedule.request(0, true);
  hidden.clock.advance(0);
  assert.deepEqual(hidden.fetches, [0]);
});

test("an urgent request while a fetch runs is urgent after it", async () => {
  const page = new Page();
  page.schedule.request(0);
  page.clock.advance(0);
  page.isHidden = true;
  page.schedule.request(0, true);
  await page.answer();
  page.clock.advance(0);
  assert.deepEqual(page.fetches, [0, 0]);
});

test("a hidden page waits until it is seen, and fetches once", () => {
  const page = new Page();
  page.isHidden = true;
  for (let number = 0; number < 5; number++) page.schedule.request(2000);
  page.clock.advance(60000);
  assert.deepEqual(page.fetches, []);
  page.isHidden = false;
  page.schedule.seen();
  page.clock.advance(2000);
  assert.deepEqual(page.fetches, [60000]);
});

test("a page that is hidden when its fetch is due waits, too", () => {
  const page = new Page();
  page.schedule.request(2000);
  page.isHidden = true;
  page.clock.advance(2000);
  assert.deepEqual(page.fetches, []);
  page.isHidden = false;
  page.schedule.seen();
  page.clock.advance(0);
  assert.deepEqual(page.fetches, [2000]);
});

test("a page that was hidden without a touch fetches nothing", () => {
  const page = new Page();
  page.schedule.seen();
  page.clock.advance(5000);
  assert.deepEqual(page.fetches, []);
});

test("a failed fetch is tried again, less and less often, and not sooner than the site asks", async () => {
  const page = new Page();
  page.schedule.request(0);
  page.clock.advance(0);
  for (let number = 0; number < 9; number++) {
    await page.answer(0);
    page.clock.advance(60000);
  }
  const gaps = page.fetches.slice(1).map((ms, index) => ms - page.fetches[index]);
  assert.ok(page.fetches.length === 10 && gaps[0] <= 60000, `${gaps}`);
  const asked = new Page();
  asked.schedule.request(0);
  asked.clock.advance(0);
  await asked.answer(5000);
  asked.clock.advance(4999);
  assert.equal(asked.fetches.length, 1);
  asked.clock.advance(1);
  assert.equal(asked.fetches.length, 2);
});
