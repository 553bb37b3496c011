/** The browser's steps of docs/architecture.md: what they name is called in that order. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { SharedSocket } from "../src/shared/socket.js";
import { recordCalls } from "./fakes/calls.js";
import { FakeClock } from "./fakes/clock.js";
import { FakeGateway, tokenOf } from "./fakes/tabs.js";
import { fragment, ORDERS, Page } from "./page/live/fakes/livesite.js";

const PAGE = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");

/** The functions of the browser that the steps of a way name, in order. */
function documented(title) {
  const section = PAGE.split(`### ${title}\n`)[1].split("\n## ")[0].split("\n### ")[0];
  return [...section.matchAll(/`(clientjs\/src\/[\w/]+\.js: \w+)`/g)].map(([, name]) => name);
}

/** The first one that was not called after those before it. */
function firstMissing(wanted, calls) {
  const left = calls[Symbol.iterator]();
  return wanted.find((name) => {
    for (let one = left.next(); !one.done; one = left.next()) {
      if (one.value === name) return false;
    }
    return true;
  });
}

async function walk(title, act) {
  const wanted = documented(title);
  assert.ok(wanted.length >= 6);
  const calls = await recordCalls([...new Set(wanted.map((name) => name.split(": ")[0]))]);
  await act();
  assert.equal(firstMissing(wanted, calls), undefined);
}

test("a live refresh takes the documented way", async () => {
  const page = new Page(fragment(ORDERS, '<input value="a">old'), fragment(ORDERS, '<input value="a">new')).start();
  page.rt.subscribed("orders", { audience: 1, touched: "1" });
  await walk("A live refresh", async () => {
    page.rt.touch("orders", { touched: "2" });
    await page.pass();
  });
  assert.equal(page.text, "new");
});

test("a shared tab takes the documented way", async () => {
  const gateway = new FakeGateway();
  gateway.tab();
  gateway.welcome();
  const received = [];
  await walk("A shared tab", async () => {
    const socket = new SharedSocket({
      remember() {},
      nextDialer: () => ({ patienceMs: 4000, failed() {}, dial }),
      clock: new FakeClock(),
      locks: gateway.locks,
      hello: { type: "open", url: "/realtime", isProven: false, settings: {} }
    });
    socket.onmessage = ({ data }) => received.push(JSON.parse(data));
    socket.send(JSON.stringify({ type: "connect", token: tokenOf("alice"), recover: {} }));
    socket.send(JSON.stringify({ type: "subscribe", channel: "room:7", id: 1 }));
    gateway.answer("subscribe", { epoch: "k3", offset: 42 });
    gateway.publish("room:7", 43);
  });
  assert.equal(gateway.sockets.length, 1);
  assert.deepEqual(received.map(({ type, offset }) => type ?? offset), ["connected", "subscribed", 43]);

  /** A port, whose other end is the hub's. */
  function dial(socket) {
    const tab = gateway.hub.accept({ post: (message) => socket.received(message), close() {} });
    return { post: (message) => tab.receive(message), close() {} };
  }
});

test("a function out of order is missing", () => {
  assert.equal(firstMissing(["a", "b"], ["b", "a"]), "b");
  assert.equal(firstMissing(["a", "b"], ["a", "c", "b"]), undefined);
});
