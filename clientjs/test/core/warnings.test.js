/** What the client writes to the console by itself. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Client } from "../../src/core/client.js";
import { explain } from "../../src/wire/closecodes.js";
import { CloseCode, DOCUMENTATION } from "../../src/wire/contract.js";
import { HINTS } from "../../src/wire/hints.js";
import { FakePage } from "../fakes/page.js";

let page, rt;

function open(settings) {
  page = new FakePage(settings);
  rt = new Client(page.parts);
  page.clock.advance(0);
}

/** Let attempts fail until there have been this many. */
function failUntil(count) {
  while (page.sockets.length < count) {
    page.socket.end(1002, "Cannot connect to server");
    page.clock.advance(15000);
  }
}

test("a client that is closed for good warns once, with code, reason, what to check and where to read", () => {
  open({ tokenUrl: null });
  page.welcome();
  page.socket.end(4402, "session is not valid");
  page.clock.advance(1e9);
  assert.deepEqual(page.warned, [
    "closed: 4402 session is not valid. Check that Django and the gateway use one Redis, database, " +
      `KEY_PREFIX. Run manage.py sockgate_doctor. ${DOCUMENTATION}troubleshooting.html#close-4402`,
  ]);
});

test("the third failed attempt in a row warns, once", () => {
  open();
  failUntil(3);
  assert.deepEqual(page.warned, []);
  failUntil(30);
  assert.deepEqual(page.warned.map((text) => text.slice(0, 45)), [
    "cannot connect: 1002 Cannot connect to server",
  ]);
});

test("a page that was connected warns after the sixth failure in a row, again after each success", () => {
  open();
  for (const outage of [1, 2]) {
    page.welcome();
    const { length } = page.sockets;
    failUntil(length + 5);
    assert.equal(page.warned.length, outage - 1);
    failUntil(length + 9);
    assert.equal(page.warned.length, outage);
  }
});

test("failures of the token endpoint count, and a response without a token has a hint", () => {
  open({ token: undefined });
  for (const _ of [1, 2, 3]) {
    page.endpoint.answer(200, "<html>");
    page.clock.advance(3000);
  }
  assert.match(page.warned[0], /^cannot connect: 200 the answer holds no token. Check that no other view answers tokenUrl. .*#close-200$/);
});

test("a client without a network does not warn", () => {
  open();
  page.network.silentlyOnline = false;
  failUntil(9);
  assert.deepEqual(page.warned, []);
});

test("a client that the page closes does not warn, nor one of a page that must log in", () => {
  open();
  page.welcome();
  rt.close();
  open({ token: undefined, loginRequired: true });
  assert.deepEqual([rt.state, page.endpoint.urls, page.sockets, page.warned], ["closed", [], [], []]);
});

test("the log has each public state, with its code and reason or its transport", () => {
  open();
  page.welcome();
  page.socket.end(4500, "session ended");
  assert.deepEqual(page.logged, ["connecting ", "connected websocket", "closed 4500 session ended"]);
});

const documentation = readFileSync(new URL("../../../docs/troubleshooting.md", import.meta.url), "utf8");

for (const code of new Set([0, 1006, ...Object.keys(HINTS), ...Object.values(CloseCode)].map(Number))) {
  test(`the documentation explains ${code} at the address in the warning`, () => {
    const address = explain({ code, reason: "" }).split(" ").at(-1);
    assert.equal(address, `${DOCUMENTATION}troubleshooting.html#close-${code}`);
    assert.match(documentation, new RegExp(`<a (id|name)="close-${code}">|^#+ close-${code}$`, "im"));
  });
}
