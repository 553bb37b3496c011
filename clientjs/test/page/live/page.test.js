/** When a live page fetches what, and which channels it follows. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, fragment, ORDERS, Page } from "./fakes/livesite.js";

// The script starts by itself in a browser, after the page's load.
Object.assign(globalThis, { document: {}, addEventListener() {} });
const { begin } = await import("../../../src/page/live/index.js");

test("the page subscribes with its own grants, and fetches nothing while nothing has changed", async () => {
  const page = new Page(fragment(ORDERS), fragment(ORDERS, "new")).start();
  assert.deepEqual(page.rt.now, [["orders", "G1"]]);
  page.rt.subscribed("orders", { audience: 1, touched: "1" });
  await page.pass();
  assert.deepEqual([page.fetches, page.text], [[], "old"]);
});

test("the page fetches where the mark of its content is another one, or one is not known", async () => {
  for (const [shown, told] of [["1", "2"], ["1", undefined], [null, "1"], [undefined, "1"], [undefined, undefined]]) {
    const orders = { orders: { grant: "G1", touched: shown } };
    const page = new Page(fragment(orders), fragment(orders, "new")).start();
    page.rt.subscribed("orders", { audience: 1, touched: told });
    await page.pass();
    assert.deepEqual([page.fetches.length, page.text], [1, "new"], `${shown} ${told}`);
  }
});

test("a touch that the shown content has already fetches nothing", async () => {
  const page = new Page(fragment(ORDERS)).start();
  await page.refreshed();
  page.rt.touch("orders", { touched: "1" });
  await page.pass();
  assert.equal(page.fetches.length, 1);
  page.rt.touch("orders", { touched: "2" });
  await page.pass();
  assert.equal(page.fetches.length, 2);
});

test("a touch of another channel, and one that names a browser, fetch nothing", async () => {
  const page = new Page(fragment(ORDERS)).start();
  page.rt.touch("stock");
  page.rt.touch("orders", { from: "7" });
  await page.pass();
  assert.deepEqual(page.fetches, []);
});

/** The longest wait after an event, where the random number is almost 1. */
async function waitAfter(act, ready = () => {}) {
  const random = Math.random;
  const page = new Page(fragment(ORDERS)).start();
  page.window.Math.random = () => 0.999999;
  ready(page);
  await page.pass();
  page.timers.length = 0;
  act(page.rt, page);
  page.window.Math.random = random;
  return Math.round(Math.max(0, ...page.timers.map(({ ms }) => ms)));
}

test("the window grows with the audience that the gateway states, up to two minutes", async () => {
  const touch = (audience) => waitAfter((rt) => rt.touch("orders", { audience }));
  assert.deepEqual([await touch(1), await touch(1000), await touch(1e9)], [50, 10000, 120000]);
});

test("an audience that the gateway has not stated is supposed to be very large, whatever a publisher writes", async () => {
  for (const audience of [undefined, null, 0, -1, 1e-9, 0.5, "7", NaN, {}]) {
    const ms = await waitAfter((rt) => rt.emit("touch", { audience: 1 }, { channel: "orders", audience }));
    assert.equal(ms, 120000, String(audience));
  }
});

test("a gap is answered within the time that the gateway names, and not sooner than the audience permits", async () => {
  const gap = (info) => waitAfter((rt) => rt.emit("gap", "orders", info));
  assert.deepEqual([await gap({ audience: 1, within: 60 }), await gap({ audience: 6000, within: 1 }), await gap({ audience: 1 }), await gap({ audience: 1, within: 1e9 })], [60000, 60000, 3000, 120000]);
});

test("pages that come back take the time that the gateway names", async () => {
  const again = (info) =>
    waitAfter(
      (rt) => (rt.emit("state", "connecting", {}), rt.subscribed("orders", { touched: "2", ...info })),
      ({ rt }) => rt.subscribed("orders", { audience: 1, touched: "1" })
    );
  assert.deepEqual([await again({ audience: 1 }), await again({ audience: 1, within: 0 }), await again({ audience: 2000, within: 20 }), await again({})], [50, 50, 20000, 120000]);
});

test("channels follow the fragments of the fresh page, and what it lacks stays as it is", async () => {
  const page = new Page(fragment(ORDERS) + fragment({ one: { grant: "O" } }, "1", "b"), "").start();
  page.fresh = fragment({ orders: { grant: "G2" }, two: { grant: "T" } });
  await page.refreshed();
  assert.deepEqual(page.rt.now, [["one", "O"], ["orders", "G2"], ["two", "T"]]);
  assert.match(page.$("#b").textContent, /^1/);
  assert.match(page.said.join(), /lacks the fragment b/);
});

test("a revoked or refused channel is subscribed again with the grant of the fresh page, if there is one", async () => {
  for (const code of ["revoked", "rights_changed", "not_allowed"]) {
    const page = new Page(fragment(ORDERS)).start();
    page.fresh = fragment({ orders: { grant: "G2" } });
    page.rt.end("orders", code);
    await page.pass();
    await page.pass();
    assert.deepEqual([page.fetches.length, page.rt.now], [1, [["orders", "G2"]]], code);
  }
});

test("what the view does not give after a revocation goes", async () => {
  const page = new Page(fragment(ORDERS)).start();
  for (const [code, more] of [["revoked", { audience: 1 }], ["not_allowed", { revoked: true }]]) {
    page.fresh = fragment({ orders: { grant: code } });
    await page.refreshed();
    assert.equal(page.text, "old");
    page.fresh = "<!doctype html><p></p>";
    page.rt.end("orders", code, more);
    await page.pass();
    await page.pass();
    assert.equal(page.text, "", code);
  }
});

test("many whose rights end are spread over their window", async () => {
  const ms = await waitAfter((rt) => rt.end("orders", "rights_changed", { audience: 6000 }));
  assert.equal(ms, 60000);
});

test("a grant that is refused again and again is requested less and less often", async () => {
  const page = new Page(fragment(ORDERS)).start();
  const waits = [];
  for (let number = 1; number < 12; number++) {
    page.fresh = fragment({ orders: { grant: `N${number}` } });
    page.rt.end("orders", "not_allowed");
    waits.push(Math.max(...(await page.pass())));
    await page.pass();
  }
  assert.ok(page.fetches.length <= 11);
  assert.ok(waits.at(-1) >= 100000 && waits.at(-1) <= 300000, `${waits}`);
});

test("a page that was made without grants takes them from the fresh page, once it is connected", async () => {
  const page = new Page(fragment({ orders: {} }));
  page.rt.state = "connecting";
  page.start();
  assert.deepEqual(page.rt.now, []);
  page.fresh = fragment(ORDERS);
  page.rt.emit("state", "connected", {});
  await page.pass();
  await page.pass();
  assert.deepEqual([page.fetches.length, page.rt.now], [1, [["orders", "G1"]]]);
});

test("a fresh grant of a channel that is subscribed already is no reason to fetch", async () => {
  const page = new Page(fragment(ORDERS)).start();
  page.rt.subscribed("orders", { audience: 1, touched: "1" });
  page.fresh = fragment({ orders: { grant: "G2", touched: "2" } });
  page.rt.touch("orders", { touched: "2" });
  await page.pass();
  page.rt.open("orders").forEach((room) => room.handlers.subscribed("orders", {}));
  await page.pass();
  assert.deepEqual([page.rt.now, page.fetches.length], [[["orders", "G2"]], 1]);
});

test("a fresh grant without a mark makes no circle of fetches", async () => {
  const page = new Page(fragment({ orders: { grant: "G1" } })).start();
  page.rt.subscribed("orders", { audience: 1 });
  page.fresh = fragment({ orders: { grant: "G2" } });
  await page.pass();
  page.rt.open("orders").forEach((room) => room.handlers.subscribed("orders", {}));
  await page.pass();
  assert.equal(page.fetches.length, 1);
});

test("automatic channels need no grant", () => {
  const page = new Page(fragment({ "user:7": {}, broadcast: {}, "group:a": {} })).start();
  assert.deepEqual(page.rt.now.map(([channel]) => channel), ["user:7", "broadcast", "group:a"]);
});

test("the end of the login fetches once, another user does, and the page's own close does not", async () => {
  for (const [event, ...given] of [["state", "closed", { code: 4500 }], ["user", "8", "7"]]) {
    const page = new Page(fragment(ORDERS)).start();
    page.rt.emit(event, ...given);
    page.rt.subscribed("broadcast", {});
    page.rt.emit("state", "closed", { code: 1000 });
    await page.pass();
    assert.equal(page.fetches.length, 1, event);
  }
  const page = new Page(fragment(ORDERS)).start();
  page.rt.emit("state", "closed", { code: 1000 });
  await page.pass();
  assert.deepEqual(page.fetches, []);
});

test("another user's page fetches at once alone, and where many come, it is empty at once and fetches in their window", async () => {
  for (const [info, text, expected] of [[{}, "old", 0], [{ audience: 1, within: 0 }, "old", 0], [{ audience: 4000, within: 40 }, "", 40000]]) {
    const page = new Page(fragment(ORDERS), fragment(ORDERS, "new")).start();
    page.window.Math.random = () => 0.999999;
    page.rt.emit("user", "8", "7");
    page.rt.subscribed("broadcast", info);
    assert.equal(page.text, text);
    const [ms] = await page.pass();
    assert.deepEqual([Math.round(ms), page.fetches.length, page.text, page.rt.open("broadcast").length], [expected, 1, "new", 0]);
  }
});

test("a page back from the back/forward cache fetches at once", async () => {
  const page = new Page(fragment(ORDERS), fragment(ORDERS, "new")).start();
  page.window.dispatchEvent(Object.assign(new page.window.Event("pageshow"), { persisted: false }));
  assert.equal(page.timers.length, 0);
  page.window.dispatchEvent(Object.assign(new page.window.Event("pageshow"), { persisted: true }));
  await page.pass();
  assert.equal(page.text, "new");
});

test("a fragment may be fetched by time", async () => {
  const page = new Page(fragment(ORDERS, "old", "a", { every: 60 }), fragment(ORDERS, "new", "a", { every: 60 })).start();
  page.rt.subscribed("orders", { audience: 1, touched: "1" });
  assert.deepEqual(await page.pass(), [60000]);
  await page.pass();
  assert.deepEqual([page.fetches.length, page.text], [1, "new"]);
  assert.ok(page.timers.some(({ ms }) => ms === 60000));
});

test("the size of a quiet channel says how far pages that are fetched by time are apart, also after a gap", async () => {
  const after = async (...frames) => {
    const page = new Page(fragment(ORDERS, "old", "a", { every: 60 })).start();
    page.window.Math.random = () => 0.999999;
    for (const [event, info] of frames) event === "gap" ? page.rt.emit("gap", "orders", info) : page.rt.subscribed("orders", info);
    await page.pass();
    return Math.ceil(Math.max(...page.timers.map(({ callback, ms }) => (`${callback}` === "() => {}" ? 0 : ms))));
  };
  const told = { audience: 1, within: 0, touched: "1", pages: 1000 };
  const gap = ["gap", { audience: 1, within: 0, touched: "1" }];
  const waits = [await after(["subscribed", { ...told, pages: undefined }]), await after(["subscribed", told]), await after(["subscribed", told], gap)];
  assert.deepEqual(waits, [400000, 100000, 100000]);
});

test("a page with more channels than a connection may have follows the first ones, and leaves some to others", () => {
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`row:${index}`, { grant: "G" }]));
  const page = new Page(fragment(many)).start();
  let answered = 0;
  for (let number = 0; number < 150 && answered < 100; number++) {
    assert.ok(page.rt.now.length <= answered + 50, "more than the gateway keeps before it has accepted");
    page.rt.subscribed(`row:${number}`);
    answered += 1;
  }
  page.rt.end("row:100", "too_many_channels");
  assert.equal(page.rt.now.length, 90);
  assert.match(page.said.join(), /only 90 of 150 .*SOCKGATE_MAX_CHANNELS/);
  const before = page.rt.rooms.length;
  page.live.scan();
  assert.equal(page.rt.rooms.length, before);
  page.rt.end("own", "too_many_channels");
  assert.deepEqual([page.rt.now.length, page.rt.now.at(-1)[0]], [81, "own"]);
  page.rt.subscribed("own");
  assert.equal(page.rt.now.length, 80);
});

test("the script uses the page's own client, makes one without, and none without a login", () => {
  const made = (config, client) => {
    const page = new Page(`<script type="application/json" data-sockgate="client">${JSON.stringify(config)}</script>${fragment(ORDERS)}`);
    const connect = () => page.rt;
    connect.client = client;
    page.window.Sockgate = { connect };
    begin(page.window);
    begin(page.window);
    return page;
  };
  assert.equal(made({}).rt.rooms.length, 1);
  assert.equal(made({ loginRequired: true }).rt.rooms.length, 0);
  const own = new Client();
  made({}, own);
  assert.equal(own.rooms.length, 1);
});

test("without the client's tag, the console says what is missing", () => {
  const page = new Page(fragment(ORDERS));
  const said = [];
  page.window.console.error = (text) => said.push(text);
  begin(page.window);
  assert.match(said.join(), /sockgate_client/);
});

test("a page that needs no other grant for what it follows asks for none, though the fresh page carries none", async () => {
  const none = { orders: { touched: "1" } };
  const page = new Page(fragment(ORDERS), fragment(none)).start();
  page.rt.subscribed("orders", { audience: 1, touched: "2" });
  await page.pass();
  await page.pass();
  assert.equal(page.fetches.length, 1);
  page.rt.end("orders", "revoked", { audience: 1 });
  for (let pass = 0; pass < 4; pass++) await page.pass();
  assert.ok(page.fetches.length > 2);
});

test("a page whose login has ended is empty at once, and asks in the window of all that have lost theirs", async () => {
  const page = new Page(fragment(ORDERS), fragment(ORDERS, "public")).start();
  page.rt.subscribed("orders", { audience: 1, pages: 6000, touched: "1" });
  page.rt.emit("state", "closed", { code: 4402 });
  assert.equal(page.text, "");
  const [ms] = await page.pass();
  assert.deepEqual([Math.round(ms), page.text], [60000, "public"]);
});

test("a grant that is too old after a lost link is renewed in the window of before", async () => {
  const page = new Page(fragment(ORDERS), fragment({ orders: { grant: "G2" } })).start();
  page.rt.subscribed("orders", { audience: 1, pages: 6000, touched: "1" });
  page.rt.emit("state", "connecting", {});
  page.rt.emit("state", "connected", {});
  page.rt.end("orders", "not_allowed");
  await page.pass();
  assert.ok((await page.pass()).map(Math.round).includes(60000));
});

const ANSWERS = {
  "400": { status: 400 },
  "451": { status: 451 },
  "a redirect": { type: "opaqueredirect", status: 0 },
  "JSON": { headers: { "Content-Type": "application/json" } },
  "500": { status: 500 },
  "503 with Retry-After": { status: 503, headers: { "Retry-After": "600" } }
};

for (const [name, answer] of Object.entries(ANSWERS)) {
  test(`after a revocation, only the page itself keeps its content on show, and brings it back: ${name}`, async () => {
    const page = new Page(fragment(ORDERS, "secret")).start();
    const { status, headers } = page;
    page.rt.subscribed("orders", { audience: 1, touched: "1" });
    Object.assign(page, answer);
    page.rt.touch("orders", { touched: "2" });
    await page.pass();
    assert.deepEqual([page.fetches.length, page.text], [1, "secret"]);
    page.rt.end("orders", "revoked", { audience: 1 });
    await page.pass();
    assert.equal(page.text, "");
    Object.assign(page, { status, headers, type: "basic" });
    await page.pass();
    assert.equal(page.text, "secret");
  });
}

test("a grant that is only too old is no ended right: typed rows and other pages are met as at a touch", async () => {
  const row = '<p id="r1">row <input name="text"></p>';
  const page = new Page(fragment(ORDERS, row), "<h1>Maintenance</h1>").start();
  page.$("input").value = "typed";
  page.rt.end("orders", "not_allowed");
  await page.pass();
  await page.pass();
  assert.deepEqual([page.fetches.length, page.$("input").value], [1, "typed"]);
  page.fresh = fragment({ orders: { grant: "G2" } }, "");
  page.rt.end("orders", "not_allowed");
  for (let pass = 0; pass < 3; pass++) await page.pass();
  assert.deepEqual([page.fetches.length, page.$("input").value], [2, "typed"]);
});

test("what comes later is compared with what the gateway has said before: a late part, and one of a history", async () => {
  const page = new Page(fragment(ORDERS), { "https://shop.example/orders/": fragment({ orders: { grant: "G2", touched: "2" } }, "new") }).start();
  page.rt.subscribed("orders", { audience: 1, touched: "1" });
  page.rt.touch("orders", { touched: "2" });
  await page.pass();
  assert.deepEqual([page.fetches.length, page.text], [1, "new"]);
  page.fresh["https://shop.example/part/"] = fragment({ orders: { grant: "G2", touched: "2" } }, "new part", "b", { url: "/part/" });
  page.window.document.body.insertAdjacentHTML("beforeend", fragment(ORDERS, "old part", "b", { url: "/part/" }));
  page.live.scan();
  await page.pass();
  page.$("#a").outerHTML = fragment(ORDERS);
  page.live.scan();
  await page.pass();
  assert.deepEqual([page.fetches, page.text], [["/orders/", "/part/", "/orders/"], "newnew part"]);
  page.live.scan();
  await page.pass();
  assert.equal(page.fetches.length, 3);
});
