import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeSockJS } from "../fakes/sockjs.js";
import { FakeWays } from "../fakes/ways.js";

/** A page on which the script of the shared connection is loaded. */
function sharing(settings, open) {
  const ways = new FakeWays({ shared: true, ...settings });
  ways.page.SockgateShared = {
    open: (...given) => {
      ways.started.push("shared");
      ways.given = given;
      return open ? open() : (ways.sockets.shared = new FakeSockJS(given[0]));
    },
  };
  return ways;
}

test("the shared connection is the first way, and no other one starts while it opens", () => {
  const ways = sharing();
  ways.open();
  ways.clock.advance(14000);
  assert.deepEqual(ways.started, ["shared"]);
  assert.deepEqual([ways.given[0], ways.given[3]], ["/realtime", false]);
  ways.sockets.shared.accept("");
  assert.equal(ways.socket.transport, "");
  assert.equal(ways.opener.greetingMs(), 40000);
});

test("its transport is known when the gateway has accepted", () => {
  const ways = sharing();
  ways.open();
  ways.sockets.shared.accept("");
  ways.sockets.shared.accept("xhr-polling");
  assert.equal(ways.socket.transport, "xhr-polling");
});

test("where tabs cannot share, each has its own connection", () => {
  for (const ways of [new FakeWays({ shared: true }), sharing({}, () => null)]) {
    ways.open();
    assert.equal(ways.started.at(-1), "raw");
  }
});

test("without the option, nothing is shared", () => {
  const ways = sharing({ shared: false });
  ways.open();
  assert.deepEqual(ways.started, ["raw"]);
});

test("a shared connection that answers nothing is left for one of its own", () => {
  const ways = sharing();
  ways.open();
  ways.sockets.shared.accept("");
  assert.equal(ways.opener.unanswered(), true);
  ways.open();
  assert.deepEqual(ways.started, ["raw"]);
});

test("the shared connection is not remembered as a way, and comes before the one that is", () => {
  const ways = sharing();
  ways.open();
  ways.sockets.shared.accept("");
  ways.opener.accepted();
  assert.deepEqual(ways.page.localStorage.items, {});
});
