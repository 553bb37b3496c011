/** When a page asks, warns and is covered, with a clock of the test, and the DOM of jsdom. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { Events } from "../../../src/base/events.js";
import { followersOf } from "../../../src/base/registry.js";
import { guardSession } from "../../../src/page/guard/module.js";

const TEXTS = { title: "Soon", left: "Left: {time}", hint: "Keep", fixed: "Fixed", stay: "Stay", dismiss: "Not now", failed: "Failed", ended: "Ended", endedHint: "Covered", other: "Other", checking: "Checking", checkingHint: "Wait", login: "Sign in", reload: "Reload" };
const CONFIG = { sessionUrl: "/realtime/session/", user: "7", expiresIn: 600, extendsTo: 1200, warn: 120, loginUrl: "/login/?a=b", nextName: "next", csrfToken: "T", csrfCookieName: "csrftoken", csrfHeaderName: "X-CSRFToken", texts: TEXTS, lang: "en", dir: "ltr" };

/** A page with a site that answers, and with time that passes on request. */
class Site {
  constructor(options = {}, { navigation = "navigate", url = "https://shop.example/orders/?page=2" } = {}) {
    const dom = new JSDOM("<title>Shop</title><p>secret", { url });
    this.page = dom.window;
    this.now = 0;
    this.left = 600;
    this.full = 1200;
    this.user = "7";
    this.status = 200;
    this.requests = [];
    this.timers = [];
    this.isHidden = false;
    const { page } = this;
    Object.defineProperty(page.document, "visibilityState", { get: () => (this.isHidden ? "hidden" : "visible") });
    Object.defineProperty(page, "performance", { value: { now: () => this.now, getEntriesByType: () => [{ type: navigation }] } });
    page.Date = { now: () => this.now };
    page.setTimeout = (act, ms) => this.timers.push({ at: this.now + ms, act });
    page.clearTimeout = (id) => id && (this.timers[id - 1] = null);
    page.AbortController = AbortController;
    page.BroadcastChannel = undefined;
    page.fetch = (url, init) => this.answer(url, init);
    this.stop = guardSession({ ...CONFIG, ...options }, page);
    this.events = new Events();
    this.client = { on: (name, handler) => this.events.on(name, handler) };
    followersOf(page).forEach((follower) => follower(this.client, this.events, () => "", {}));
  }

  async answer(url, { method, headers }) {
    this.requests.push([method, url, headers["X-CSRFToken"]]);
    if (this.status === 0) throw new TypeError("no network");
    if (method === "POST" && this.status === 200) this.left = this.full;
    return { status: this.status, json: async () => ({ user: this.user, expires_in: this.left, extends_to: this.full }) };
  }

  /** Let time pass, step by step; the login gets older unless it is `kept`. */
  async pass(seconds, { isKept = false } = {}) {
    const end = this.now + seconds * 1000;
    await settle();
    for (;;) {
      const due = this.timers.filter((timer) => timer && timer.at <= end).sort((a, b) => a.at - b.at)[0];
      const to = due ? Math.max(due.at, this.now) : end;
      if (!isKept) this.left -= (to - this.now) / 1000;
      this.now = to;
      if (!due) break;
      this.timers[this.timers.indexOf(due)] = null;
      due.act();
      await settle();
    }
  }

  get dialogs() {
    const host = this.page.document.getElementById("sockgate-guard");
    return host ? [...host.shadowRoot.querySelectorAll("dialog")] : [];
  }

  /** What is on the screen: the id of the dialog and its title. */
  get screen() {
    return this.dialogs.map((dialog) => `${dialog.id}: ${dialog.querySelector("h2").textContent}`).join();
  }

  get text() {
    return this.dialogs.map((dialog) => dialog.textContent).join();
  }

  click(label) {
    const found = this.dialogs.flatMap((dialog) => [...dialog.querySelectorAll("button")]).find((button) => button.textContent === label);
    found.click();
    return settle();
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("a page asks nothing before its warning is due", async () => {
  const site = new Site();
  await site.pass(479);
  assert.deepEqual([site.requests, site.screen], [[], ""]);
});

test("before it warns, the page asks, and with a GET", async () => {
  const site = new Site();
  await site.pass(481);
  assert.deepEqual(site.requests, [["GET", "/realtime/session/", undefined]]);
  assert.equal(site.screen, "warning: Soon");
  assert.match(site.text, /Left: (2:00|1:59)/);
});

test("a login that another tab has extended is not warned about", async () => {
  const site = new Site();
  await site.pass(470);
  site.left = 1200;
  await site.pass(20);
  assert.deepEqual([site.requests.length, site.screen], [1, ""]);
  await site.pass(1000);
  assert.deepEqual([site.requests.length, site.screen], [1, ""]);
  await site.pass(80);
  assert.deepEqual([site.requests.length, site.screen], [2, "warning: Soon"]);
});

test("to stay is a POST with the CSRF token, which closes the dialog", async () => {
  const site = new Site();
  await site.pass(490);
  await site.click("Stay");
  assert.deepEqual(site.requests[1], ["POST", "/realtime/session/", "T"]);
  assert.equal(site.screen, "");
  await site.pass(1075);
  assert.equal(site.screen, "");
  await site.pass(10);
  assert.equal(site.screen, "warning: Soon");
});

test("when staying fails, the dialog says so and stays", async () => {
  const site = new Site();
  await site.pass(490);
  site.status = 503;
  await site.click("Stay");
  const [dialog] = site.dialogs;
  assert.equal(dialog.querySelector("#failed").hidden, false);
  site.status = 200;
  await site.click("Stay");
  assert.equal(site.screen, "");
});

test("an event carries the seconds, and can extend the login", async () => {
  const site = new Site({ dialog: false });
  const events = [];
  site.events.on("session-expiring", (expiring) => events.push(expiring));
  await site.pass(500);
  assert.deepEqual([site.screen, events.length, events[0].canStay], ["", 1, true]);
  assert.ok(Math.abs(events[0].expiresIn - 120) <= 1);
  assert.equal(await events[0].stay(), 1200);
  site.status = 401;
  await assert.rejects(events[0].stay(), /could not be extended/);
  assert.equal(site.screen, "cover: Ended");
});

test("the page is covered when its login ends, for good", async () => {
  const site = new Site();
  await site.pass(599);
  site.status = 401;
  await site.pass(2);
  assert.equal(site.screen, "cover: Ended");
  assert.equal(site.page.getComputedStyle(site.page.document.body).display, "none");
  assert.equal(site.page.document.title, "Ended");
  const links = [...site.dialogs[0].querySelectorAll("a")].map((link) => link.getAttribute("href"));
  assert.equal(site.dialogs[0].querySelector("[autofocus]").textContent, "Sign in");
  assert.deepEqual(links, ["https://shop.example/orders/?page=2", "https://shop.example/login/?a=b&next=%2Forders%2F%3Fpage%3D2"]);
  const count = site.requests.length;
  site.status = 200;
  site.left = 1200;
  site.page.dispatchEvent(new site.page.Event("online"));
  await site.pass(600);
  assert.deepEqual([site.screen, site.requests.length], ["cover: Ended", count]);
});

for (const path of ["//evil.example/x", "/\\\\evil.example/x", "/\\evil.example/x", "///evil.example/x"]) {
  test(`the links of a page at ${path} stay on the site`, async () => {
    const site = new Site({}, { url: `https://shop.example${path}?a=1#b` });
    site.status = 401;
    await site.pass(700);
    const [reload, login] = [...site.dialogs[0].querySelectorAll("a")].map((link) => new URL(link.href));
    assert.equal(reload.href, site.page.location.href.split("#")[0]);
    assert.equal(login.origin, "https://shop.example");
    assert.equal(new URL(login.searchParams.get("next"), "https://shop.example/").origin, "https://shop.example");
  });
}

test("without an answer the page is covered at the end that it knows, and uncovered when the site says so", async () => {
  const site = new Site();
  site.status = 0;
  await site.pass(550);
  assert.equal(site.screen, "warning: Soon");
  await site.pass(51);
  assert.equal(site.screen, "cover: Checking");
  assert.notEqual(site.page.getComputedStyle(site.page.document.body).display, "none");
  const before = site.requests.length;
  await site.pass(300);
  assert.ok(site.requests.length - before < 15, `${site.requests.length - before} requests`);
  Object.assign(site, { status: 200, left: 1100 });
  site.page.dispatchEvent(new site.page.Event("online"));
  await settle();
  assert.equal(site.screen, "");
});

test("a computer that slept beyond the end shows a cover first", async () => {
  const site = new Site();
  await site.pass(10);
  site.status = 0;
  site.now += 3600e3; // No timer ran.
  site.page.document.dispatchEvent(new site.page.Event("visibilitychange"));
  assert.equal(site.screen, "cover: Checking");
});

test("a wall clock that is set back does not lengthen the login", async () => {
  const site = new Site();
  site.page.Date = { now: () => 0 };
  await site.pass(481);
  assert.equal(site.screen, "warning: Soon");
});

for (const [title, event, given] of [
  ["the gateway ends the session", "state", ["closed", { code: 4500 }]],
  ["Django has no login any more", "state", ["closed", { code: 401 }]],
  ["the login becomes a visitor's", "user", [null, "7"]],
]) {
  test(`the page is covered at once when ${title}`, () => {
    const site = new Site();
    site.events.emit(event, ...given);
    assert.equal(site.screen, "cover: Ended");
    assert.deepEqual(site.requests, []);
  });
}

test("the page is covered when the login is another user's", async () => {
  const site = new Site();
  site.events.emit("user", "8", "7");
  assert.equal(site.screen, "cover: Other");
  const asked = new Site();
  await asked.pass(470);
  asked.user = "8";
  await asked.pass(15);
  assert.equal(asked.screen, "cover: Other");
  const connected = new Site();
  connected.events.emit("state", "connected", { user: "7" });
  assert.equal(connected.screen, "");
  connected.events.emit("state", "connected", { user: "8" });
  assert.equal(connected.screen, "cover: Other");
});

test("another close asks, and the page's own close does not", async () => {
  const site = new Site();
  site.events.emit("state", "closed", { code: 1000 });
  site.events.emit("state", "waiting", { code: 3001 });
  await settle();
  assert.deepEqual(site.requests, []);
  site.events.emit("state", "closed", { code: 4503 });
  await settle();
  assert.deepEqual([site.requests.length, site.screen], [1, ""]);
});

test("a page in the browser's cache is covered until its login is known to live", async () => {
  const site = new Site();
  const { page } = site;
  const hide = new page.Event("pagehide");
  page.dispatchEvent(hide);
  assert.equal(site.screen, "");
  page.dispatchEvent(Object.assign(new page.Event("pagehide"), { persisted: true }));
  assert.equal(site.screen, "cover: Checking");
  page.dispatchEvent(new page.Event("pageshow"));
  await settle();
  assert.deepEqual([site.screen, site.requests.length], ["", 1]);
});

test("a page that is loaded from the history is covered until its login is known to live", async () => {
  const site = new Site({}, { navigation: "back_forward" });
  assert.equal(site.screen, "cover: Checking");
  await settle();
  assert.equal(site.screen, "");
});

test("a hidden tab is covered at the end, and asks once", async () => {
  const site = new Site();
  site.isHidden = true;
  site.status = 0;
  await site.pass(605);
  assert.equal(site.screen, "cover: Checking");
  assert.ok(site.requests.length <= 3);
});

test("a login with a fixed end offers no extension, and warns once", async () => {
  const site = new Site({ extendsTo: null });
  site.full = null;
  await site.pass(485);
  assert.match(site.text, /Fixed/);
  assert.doesNotMatch(site.text, /Stay/);
  await site.click("Not now");
  await site.pass(100);
  assert.equal(site.screen, "");
});

test("a login shorter than the warning is warned about at its half", async () => {
  const site = new Site({ expiresIn: 60, extendsTo: 60 });
  Object.assign(site, { left: 60, full: 60 });
  await site.pass(29);
  assert.equal(site.screen, "");
  await site.pass(3);
  assert.equal(site.screen, "warning: Soon");
});

test("without cover, the content stays", async () => {
  const site = new Site({ cover: false });
  site.events.emit("state", "closed", { code: 4500 });
  assert.equal(site.screen, "");
});

test("a page whose end is unknown asks, and shows its content meanwhile", async () => {
  const site = new Site({ expiresIn: null, extendsTo: null });
  assert.equal(site.screen, "");
  await settle();
  assert.equal(site.requests.length, 1);
  await site.pass(400);
  assert.equal(site.requests.length, 1);
});

test("after it has been stopped, it does nothing", async () => {
  const site = new Site();
  site.stop();
  site.events.emit("state", "closed", { code: 4500 });
  await site.pass(1000);
  assert.deepEqual([site.screen, site.requests], ["", []]);
});

test("texts are shown as text", async () => {
  const site = new Site({ texts: { ...TEXTS, ended: "<img src=x>" } });
  site.events.emit("state", "closed", { code: 4500 });
  assert.equal(site.screen, "cover: <img src=x>");
  assert.equal(site.dialogs[0].querySelector("img"), null);
});

test("a script: URL is no place to log in", () => {
  const site = new Site({ loginUrl: "javascript:alert(1)" });
  site.events.emit("state", "closed", { code: 4500 });
  assert.equal(site.dialogs[0].querySelectorAll("a").length, 1);
});

test("the dialog has a name, a description and the focus, and announces seldom", async () => {
  const site = new Site();
  await site.pass(482);
  const [dialog] = site.dialogs;
  assert.equal(dialog.getAttribute("role"), "alertdialog");
  for (const name of ["aria-labelledby", "aria-describedby"]) {
    assert.ok(dialog.querySelector(`#${dialog.getAttribute(name)}`).textContent);
  }
  assert.equal(dialog.getRootNode().activeElement.textContent, "Stay");
  const announced = new Set();
  for (let i = 0; i < 100; i++) {
    await site.pass(1);
    announced.add(dialog.querySelector(".quiet").textContent);
  }
  assert.ok(announced.size <= 4, [...announced].join());
});
