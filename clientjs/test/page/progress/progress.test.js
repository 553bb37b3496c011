/** The bars of a page, in the DOM of jsdom, with a site and a client of the test. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { Events } from "../../../src/base/events.js";
import { followersOf } from "../../../src/base/registry.js";
import { begin } from "../../../src/page/progress/index.js";

const TEXTS = { waiting: "Waiting", running: "Running", retrying: "Again soon", attempt: "Try {number}", done: "Finished", failed: "Failed", stalled: "No news" };
const REPORT = { id: "job", run: 1, n: 1, state: "running", done: 0, total: 10, message: "", attempt: 1, stalled_after: 60 };

class Page {
  constructor(report = null, count = 1) {
    const order = (i) => `<script type="application/json" data-sockgate="bar">${JSON.stringify({ id: `job${i || ""}`, report })}</script>`;
    const bars = Array.from({ length: count }, (_, i) => `${order(i)}<sockgate-progress state="waiting"><progress aria-label="Export"></progress> <span>x</span></sockgate-progress>`);
    const config = JSON.stringify({ url: "/realtime/progress/", lang: "en", texts: TEXTS });
    const dom = new JSDOM(`<body>${bars.join("")}<script type="application/json" data-sockgate="progress">${config}</script>`, { url: "https://shop.example/" });
    this.page = dom.window;
    this.requests = [];
    this.asked = [];
    this.answers = {};
    this.status = 200;
    this.retryAfter = null;
    this.timers = [];
    this.now = 0;
    this.page.setTimeout = (act, ms) => this.timers.push({ at: this.now + ms, act });
    this.page.clearTimeout = (id) => id && (this.timers[id - 1] = null);
    this.page.fetch = async (url) => {
      this.requests.push(url);
      this.asked.push(this.now);
      if (this.status instanceof Error) throw this.status;
      const headers = { get: (name) => (name === "Retry-After" ? this.retryAfter : null) };
      return { status: this.status, headers, json: async () => ({ progress: this.answers }) };
    };
    begin(this.page);
    this.events = new Events();
    const subscribe = (channel) => ({ on: (_, handler) => this.events.on("state", (state, info) => state === "connected" && handler(channel, info)) });
    const [follower] = followersOf(this.page);
    follower({ on: (name, handler) => this.events.on(name, handler), subscribe, close() {} }, this.events, () => "");
  }

  async pass(seconds) {
    const end = this.now + seconds * 1000;
    for (;;) {
      const due = this.timers.filter((timer) => timer && timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.now = due.at;
      this.timers[this.timers.indexOf(due)] = null;
      due.act();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.now = end;
  }

  publish(changes, message = { channel: "user:7" }) {
    this.events.emit("sockgate-progress", { ...REPORT, ...changes }, message);
  }

  get element() {
    return this.page.document.querySelector("sockgate-progress");
  }

  get shown() {
    const bar = this.element.querySelector("progress");
    return [this.element.getAttribute("state"), bar.hasAttribute("value") ? bar.value : null, this.element.querySelector("span:not([role])").textContent];
  }

  get announced() {
    return this.element.querySelector("[role=status]").textContent;
  }
}

test("a bar shows what Django has rendered, then what is published", () => {
  const page = new Page({ ...REPORT, done: 4, age: 1 });
  assert.deepEqual(page.shown, ["running", 4, "40%"]);
  page.publish({ n: 2, done: 5, message: "Row 5" });
  assert.deepEqual(page.shown, ["running", 5, "50% · Row 5"]);
  page.publish({ n: 3, state: "done", done: 10 });
  assert.deepEqual(page.shown, ["done", 10, "Finished"]);
});

test("an older report changes nothing", () => {
  const page = new Page({ ...REPORT, run: 2, n: 5, done: 6 });
  page.publish({ run: 2, n: 4, done: 5 });
  page.publish({ run: 1, n: 99, done: 9 });
  assert.equal(page.shown[1], 6);
  page.publish({ run: 3, n: 1, done: 0, attempt: 2 });
  assert.deepEqual(page.shown, ["running", 0, "0% · Try 2"]);
});

test("a report of another work, of another channel or of a browser changes nothing", () => {
  const page = new Page(REPORT);
  page.publish({ id: "other", n: 9, done: 9 });
  page.publish({ n: 9, done: 9 }, { channel: "room:7" });
  page.publish({ n: 9, done: 9 }, { channel: "user:7", from: "8" });
  assert.equal(page.shown[1], 0);
});

test("failure, retry and an unknown total are shown", () => {
  const page = new Page(REPORT);
  page.publish({ n: 2, state: "retrying" });
  assert.deepEqual(page.shown, ["retrying", 0, "0% · Again soon"]);
  page.publish({ n: 3, total: null, message: "Sorting" });
  assert.deepEqual(page.shown, ["running", null, "Sorting"]);
  page.publish({ n: 4, total: null, state: "failed", message: "No such file" });
  assert.deepEqual(page.shown, ["failed", null, "No such file"]);
});

test("after each connect and each gap, the page asks for all bars in one request", async () => {
  const page = new Page(REPORT, 3);
  page.answers = { job: { ...REPORT, n: 7, done: 7, age: 0 } };
  page.events.emit("state", "connected", {});
  await page.pass(1);
  assert.deepEqual(page.requests, ["/realtime/progress/?id=job&id=job1&id=job2"]);
  assert.equal(page.shown[1], 7);
  page.events.emit("gap", "user:7", {});
  page.events.emit("gap", "room:1", {});
  await page.pass(1);
  assert.equal(page.requests.length, 2);
});

test("a bar that is over asks nothing", async () => {
  const page = new Page({ ...REPORT, state: "done", done: 10 });
  page.events.emit("state", "connected", {});
  await page.pass(1000);
  assert.deepEqual(page.requests, []);
});

test("work without news is shown as stalled after a while, and goes on with the next report", async () => {
  const page = new Page({ ...REPORT, done: 2, age: 0 });
  page.answers = { job: { ...REPORT, done: 2, age: 61 } };
  await page.pass(59);
  assert.deepEqual(page.requests, []);
  await page.pass(3);
  assert.deepEqual(page.shown, ["stalled", 2, "20% · No news"]);
  await page.pass(300);
  assert.ok(page.requests.length < 15);
  page.publish({ n: 2, done: 3 });
  assert.deepEqual(page.shown, ["running", 3, "30%"]);
});

test("a request that Django cannot answer now is repeated later", async () => {
  const page = new Page(REPORT);
  page.status = 503;
  page.events.emit("state", "connected", {});
  await page.pass(1);
  page.status = 200;
  page.answers = { job: { ...REPORT, n: 5, done: 5, age: 0 } };
  await page.pass(12);
  assert.deepEqual([page.requests.length, page.shown[1]], [2, 5]);
});

test("a bar that is added later follows too", async () => {
  const page = new Page(REPORT);
  page.events.emit("state", "connected", {});
  await page.pass(1);
  const { document } = page.page;
  document.body.insertAdjacentHTML("beforeend", `<script type="application/json" data-sockgate="bar">{"id": "late", "report": null}</script><sockgate-progress><progress></progress><span></span></sockgate-progress>`);
  const added = document.body.lastElementChild;
  await page.pass(1);
  assert.equal(page.requests[1], "/realtime/progress/?id=late");
  page.publish({ id: "late", done: 10, state: "done" });
  assert.equal(added.getAttribute("state"), "done");
});

test("a screen reader announces quarters, not each report", () => {
  const page = new Page(REPORT);
  const announced = new Set();
  for (let n = 2; n < 102; n++) {
    page.publish({ n, total: 100, done: n - 2 });
    announced.add(page.announced);
  }
  assert.ok(announced.size <= 5, [...announced].join());
  page.publish({ n: 200, state: "done", done: 100, total: 100 });
  assert.equal(page.announced, "Finished");
});

test("the end is an event of the page, once, and messages are text", () => {
  const page = new Page(REPORT);
  const ended = [];
  page.page.document.addEventListener("progress-failed", ({ detail }) => ended.push(detail.message));
  for (let i = 0; i < 2; i++) page.publish({ n: 3, state: "failed", message: "<img src=x>" });
  assert.deepEqual(ended, ["<img src=x>"]);
  assert.equal(page.element.querySelector("img"), null);
});

/** How many requests a page makes in so many seconds, while something happens each second. */
async function requestsIn(page, seconds, happens = () => {}) {
  const before = page.requests.length;
  for (let second = 0; second < seconds; second += 1) {
    happens();
    await page.pass(1);
  }
  return page.requests.length - before;
}

for (const status of [500, 502, 503, 504, 429, 408, new TypeError("no network")]) {
  test(`a bar that is answered ${status} asks again, ever later, until it is answered`, async () => {
    const page = new Page();
    page.status = status;
    page.events.emit("state", "connected", {});
    const counts = [];
    for (let minute = 0; minute < 12; minute += 1) {
      counts.push(await requestsIn(page, 60));
    }
    assert.ok(counts[0] >= 3 && counts[0] <= 5, `${counts}`);
    assert.ok(counts.reduce((sum, count) => sum + count) <= 10, `${counts}`);
    page.status = 200;
    page.answers = { job: { ...REPORT, done: 9 } };
    await page.pass(600);
    assert.equal(page.shown[1], 9);
  });
}

test("what happens meanwhile does not shorten the wait", async () => {
  const page = new Page();
  page.status = 502;
  page.events.emit("state", "connected", {});
  const happens = () => {
    page.events.emit("gap", "user:7", {});
    page.events.emit("state", "connected", {});
  };
  assert.ok((await requestsIn(page, 60, happens)) <= 5);
});

test("Retry-After holds", async () => {
  for (const text of ["600", new Date(Date.now() + 600_000).toUTCString()]) {
    const page = new Page();
    page.status = 429;
    page.retryAfter = text;
    page.events.emit("state", "connected", {});
    assert.equal(await requestsIn(page, 590, () => page.events.emit("gap", "user:7", {})), 1);
    page.status = 200;
    page.answers = { job: REPORT };
    await page.pass(700);
    assert.equal(page.shown[0], "running");
  }
});

test("an answer that is final is not asked for again", async () => {
  for (const status of [0, 401, 403, 404]) {
    const page = new Page({ ...REPORT, stalled_after: 1e6 });
    page.status = status;
    page.events.emit("state", "connected", {});
    assert.equal(await requestsIn(page, 600), 1);
  }
});

test("after a gap, pages ask at random moments within the time that the gateway states", async () => {
  const times = [];
  for (let i = 0; i < 40; i += 1) {
    const page = new Page(REPORT);
    page.events.emit("gap", "user:7", { within: 20 });
    await page.pass(25);
    assert.equal(page.requests.length, 1);
    times.push(page.asked[0]);
  }
  assert.ok(Math.max(...times) > 10_000 && Math.min(...times) < 10_000, `${times}`);
  assert.ok(Math.max(...times) <= 20_100);
});

test("a bar that has left the page asks for nothing", async () => {
  const page = new Page(REPORT, 2);
  page.events.emit("state", "connected", {});
  page.element.remove();
  await page.pass(10);
  assert.equal(page.requests.length, 1);
  page.element.remove();
  await page.pass(200);
  assert.deepEqual([page.requests.length, page.timers.filter(Boolean).length], [1, 0]);
});

test("an element without Django's block orders nothing, whatever its attributes say", async () => {
  const page = new Page(REPORT);
  const report = JSON.stringify({ ...REPORT, id: "mine", state: "done" }).replaceAll('"', "&quot;");
  const block = '<div data-sockgate="bar">{"id": "mine"}</div>';
  page.page.document.body.insertAdjacentHTML("beforeend", `${block}<sockgate-progress progress-id="mine" id="mine" state="x" report="${report}"><progress></progress><span>x</span></sockgate-progress>`);
  page.events.emit("state", "connected", {});
  await page.pass(200);
  page.publish({ id: "mine", n: 9 });
  const forged = page.page.document.body.lastElementChild;
  assert.deepEqual([forged.getAttribute("state"), forged.textContent], ["x", "x"]);
  assert.ok(page.requests.length && page.requests.every((url) => !url.includes("mine")), page.requests.join());
});

test("what Django could not have sent is not shown", async () => {
  const page = new Page();
  const warned = [];
  page.page.console.warn = (text) => warned.push(text);
  page.publish({ n: 2, done: 3, message: "Step three" });
  page.publish({ id: "other", run: "9" });
  assert.deepEqual(warned, []);
  const wrong = [
    { run: "9" }, { run: -1 }, { n: 2 ** 60 }, { n: 3.5 }, { state: "stalled" }, { state: "toString" }, { done: "4" }, { done: -1 }, { total: "10" },
    { total: -1 }, { message: null }, { message: "x".repeat(1001) }, { attempt: {} }, { stalled_after: null }, { stalled_after: "60" },
  ];
  for (const changes of wrong) page.publish({ n: 3, message: "forged", ...changes });
  assert.match(page.element.textContent, /Step three/);
  assert.deepEqual(warned, ["Sockgate: what came as sockgate-progress is not a report of Django."]);
  page.publish({ n: 3, total: null, state: "done", message: "\u{1F600}".repeat(500) });
  assert.equal(page.element.getAttribute("state"), "done");
});
