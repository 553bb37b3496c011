/** 12,000 pages of the product on a clock: no event makes them ask more often than 1.5 times LIVE_RATE in the worst second. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Board } from "../../../src/page/progress/board.js";
import { Crowd } from "./fakes/crowd.js";
import { GrantCrowd } from "./fakes/grantcrowd.js";

const PAGES = 12000;
const RATE = 100;
const MOST = 1.5 * RATE;

/** Cases of minutes of fetches take most of the time: `make soak` runs them too. */
const LONG = { skip: !process.env.SOCKGATE_SOAK && "runs in make soak" };
const LONG_CASES = [
  "touches that go on",
  "a touch without an audience, as of an old gateway",
  "a site that answers 503",
  "a site that asks to come back in a minute, while touches go on",
  "a site that needs two seconds for an answer",
];

async function crowdOf(pages = PAGES, more = {}) {
  const crowd = new Crowd(pages, { rate: RATE, ...more });
  await crowd.load(600);
  return crowd;
}

/** What happens to all pages, the requests in the worst second, and how many there are at least and at most. */
const CASES = {
  "the load of pages that have not changed": [async () => {}, 0, 0],
  "one touch": [async (crowd) => crowd.touch(), PAGES, PAGES],
  "touches that go on": [
    async (crowd) => {
      for (let second = 0; second < 240; second += 10) {
        crowd.touch();
        await crowd.pass(10);
      }
    },
    2 * PAGES,
    4 * PAGES,
  ],
  "a lost link, and a channel that was never touched": [
    async (crowd) => {
      crowd.tabs.forEach((tab) => tab.setState("connecting"));
      await crowd.load(3);
    },
    0,
    0,
  ],
  "a lost link, and a touch meanwhile": [
    async (crowd) => {
      crowd.mark += 1;
      crowd.tabs.forEach((tab) => tab.setState("connecting"));
      await crowd.load(3);
    },
    PAGES,
    PAGES,
  ],
  "another user in all of them, after a lost link": [
    async (crowd) => {
      crowd.tabs.forEach((tab) => tab.setState("connecting"));
      crowd.tabs.forEach((tab) => (tab.isOther = true));
      await crowd.load(3);
    },
    PAGES,
    PAGES,
  ],
  "a gap of all": [
    async (crowd) => {
      crowd.mark += 1;
      crowd.tabs.forEach((tab) => tab.tell("gap", { ...crowd.level.fields(PAGES) }));
    },
    PAGES,
    PAGES,
  ],
  "rights that are revoked for all": [
    async (crowd) => {
      const told = crowd.tabs.map(() => crowd.level.arrival()).map(({ audience }) => crowd.level.fields(Math.min(audience, PAGES)));
      crowd.tabs.forEach((tab, index) => tab.tell("unsubscribed", { code: "revoked", ...told[index] }));
    },
    PAGES,
    PAGES,
  ],
  "a touch without an audience, as of an old gateway": [async (crowd) => crowd.touch({ audience: undefined }), PAGES, PAGES],
  "an audience that a publisher has invented": [async (crowd) => crowd.touch({ audience: undefined, data: { audience: 1e-9 } }), PAGES, PAGES],
  "a site that answers 503": [
    async (crowd) => {
      crowd.status = 503;
      crowd.touch();
      await crowd.pass(300);
      crowd.status = 200;
    },
    PAGES,
    4 * PAGES,
  ],
  "a site that asks to come back in a minute, while touches go on": [
    async (crowd) => {
      crowd.status = 429;
      crowd.retryAfter = "60";
      for (let second = 0; second < 240; second += 10) {
        crowd.touch();
        await crowd.pass(10);
      }
      crowd.status = 200;
    },
    PAGES,
    4 * PAGES,
  ],
  "a site that needs two seconds for an answer": [
    async (crowd) => {
      crowd.tookMs = 2000;
      for (let second = 0; second < 240; second += 10) {
        crowd.touch();
        await crowd.pass(10);
      }
    },
    PAGES,
    3 * PAGES,
  ],
};

for (const [name, [act, least, most]] of Object.entries(CASES)) {
  test(`12,000 pages: ${name}`, LONG_CASES.includes(name) ? LONG : {}, async () => {
    const crowd = await crowdOf();
    const counted = crowd.counted();
    await act(crowd);
    await crowd.pass(400);
    const { all, worst } = counted();
    assert.ok(worst <= MOST, `${worst} requests in a second`);
    assert.ok(all >= least && all <= most, `${all} requests`);
  });
}

test("12,000 pages that are fetched by time, whether or not the gateway says how many they are", LONG, async () => {
  for (const isTold of [false, true]) {
    const crowd = new Crowd(PAGES, { rate: RATE, every: 60 });
    let pages = 0;
    crowd.told = () => (isTold ? { pages: ++pages } : {});
    const counted = crowd.counted();
    await crowd.load(200);
    await crowd.pass(200);
    const { all, worst } = counted();
    assert.ok(worst <= MOST && all > PAGES / 2, `${worst} of ${all} requests`);
  }
});

test("12,000 pages that are fetched by time, and whose gateway is killed twice on a quiet channel", LONG, async () => {
  const crowd = new Crowd(PAGES, { rate: RATE, every: 60 });
  let pages = 0;
  crowd.told = () => ({ pages: ++pages });
  await crowd.load(200);
  const counted = crowd.counted();
  for (let times = 0; times < 2; times++) {
    pages = 0;
    crowd.tabs.forEach((tab) => tab.setState("connecting"));
    await crowd.load(3);
    await crowd.pass(300);
  }
  const { all, worst } = counted();
  assert.ok(worst <= MOST && all > PAGES / 2, `${worst} of ${all} requests`);
});

test("12,000 pages with bars that come back within 3 s", async () => {
  const crowd = new Crowd(0, { rate: RATE });
  const seconds = [];
  const fetch = async () => {
    const second = Math.floor(crowd.clock.now / 1000);
    seconds[second] = (seconds[second] ?? 0) + 1;
    return { status: 200, json: async () => ({ progress: {} }) };
  };
  for (let number = 0; number < PAGES; number++) {
    const board = new Board({ setTimeout: crowd.clock.set, clearTimeout: crowd.clock.clear, fetch }, { url: "/progress/", texts: {} });
    const handlers = {};
    board.follow({ on() {}, subscribe: (channel) => ({ on: (event, handler) => (handlers[`${channel} ${event}`] = handler) }) });
    board.add({ progressId: "job", isOver: false, miss() {} });
    crowd.clock.set(() => handlers["broadcast subscribed"]("broadcast", crowd.level.arrival()), (number / PAGES) * 3000);
  }
  await crowd.pass(200);
  const all = seconds.reduce((sum, count) => sum + count, 0);
  assert.deepEqual([all, Math.max(...seconds.filter(Boolean)) <= MOST], [PAGES, true], `${Math.max(...seconds.filter(Boolean))} in a second`);
});

/** What makes all clients ask Django for a grant. */
const GRANT_CASES = {
  "are refused when they come back, since the rights of all have changed": async (pages) => {
    pages.grant = "new";
    await pages.comeBack(3);
  },
  "are refused when they come back, while Django answers 503 for a minute": async (pages) => {
    Object.assign(pages, { grant: "new", status: 503 });
    await pages.comeBack(3);
    await pages.crowd.pass(60);
    pages.status = 200;
  },
  "were refused for good, and whose rights change at once": async (pages) => {
    pages.visitors.forEach(({ link }) => link.deliver({ type: "unsubscribed", channel: "room:7" }));
    pages.visitors.forEach(({ link }) => link.deliver({ type: "refreshed", user: "7", rights: "r2", ...pages.level.arrival(PAGES) }));
  },
  "are over when the gateway is killed": async (pages) => {
    await pages.crowd.pass(400);
    await pages.comeBack(3);
  },
};

for (const [name, act] of Object.entries(GRANT_CASES)) {
  test(`12,000 clients whose grants ${name}`, async (context) => {
    const crowd = new Crowd(0, { rate: RATE });
    const { random } = Math;
    Math.random = crowd.random;
    context.after(() => (Math.random = random));
    const pages = new GrantCrowd(crowd, PAGES, name.startsWith("are over") ? 400 : 36000);
    await pages.connect(10);
    assert.equal(pages.subscribed, PAGES);
    await crowd.pass(200 - crowd.clock.now / 1000);
    const counted = crowd.counted();
    await act(pages);
    await crowd.pass(400);
    const { all, worst } = counted();
    assert.ok(all >= PAGES && worst <= MOST, `${worst} of ${all} requests in a second`);
    assert.equal(pages.subscribed, PAGES);
  });
}

test("a few pages are fetched as often as they want", async () => {
  const crowd = new Crowd(10, { rate: RATE, every: 60 });
  crowd.told = () => ({ pages: 10 });
  await crowd.load(1);
  const counted = crowd.counted();
  await crowd.pass(600);
  assert.ok(counted().all >= 90 && counted().all <= 101, `${counted().all}`);
});

test("400 pages whose gateway is killed, without a touch and with one", async () => {
  for (const isTouched of [false, true]) {
    const crowd = await crowdOf(400);
    const counted = crowd.counted();
    crowd.tabs.forEach((tab) => tab.setState("connecting"));
    crowd.mark += isTouched ? 1 : 0;
    await crowd.load(3);
    await crowd.pass(130);
    const { all, worst } = counted();
    assert.deepEqual([all, worst <= MOST], [isTouched ? 400 : 0, true], `${worst} requests in a second`);
  }
});

test("200 pages are fresh within 15 s of the last touch of a burst, and the site has few requests at a time", async () => {
  const crowd = new Crowd(200, { rate: RATE });
  await crowd.load(20);
  const counted = crowd.counted();
  for (let number = 0; number < 1000; number++) {
    crowd.touch();
    await crowd.pass(0.01);
  }
  await crowd.pass(15);
  const { all, worst } = counted();
  assert.ok(all >= 400 && worst <= RATE / 2, `${all} requests, ${worst} in a second`);
  const after = crowd.counted();
  await crowd.pass(300);
  assert.equal(after().all, 0, "a page was not fresh");
});
