import assert from "node:assert/strict";
import { test } from "node:test";

import { sessionOf } from "../../src/shared/identity.js";
import { FakeGateway, tokenOf, two } from "../fakes/tabs.js";

test("tokens of one session differ in time and signature only", () => {
  assert.equal(sessionOf("payload.time.signature"), sessionOf("payload.later.other"));
  assert.equal(sessionOf(".zipped.time.signature"), ".zipped");
  assert.notEqual(sessionOf("a.time.signature"), sessionOf("b.time.signature"));
});

test("tabs of two sessions share nothing", () => {
  const gateway = new FakeGateway();
  const [alice, bob] = [gateway.tab("alice"), gateway.tab("bob")];
  gateway.clock.advance(0);
  assert.equal(gateway.sockets.length, 2);
  for (const socket of gateway.sockets) {
    socket.accept();
    socket.deliver({ type: "connected", user: "7", channels: { broadcast: {} } });
  }
  alice.take(), bob.take();
  gateway.publish("broadcast", 1, gateway.sockets[0]);
  assert.deepEqual([alice.offsets(), bob.offsets()], [[1], []]);
});

test("a refused token is the matter of its own tab", () => {
  const gateway = new FakeGateway();
  const [one, other] = [gateway.tab(), gateway.tab()];
  gateway.clock.advance(0);
  gateway.socket.accept();
  gateway.socket.end(4401);
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[4401], []]);
  gateway.welcome();
  assert.equal(other.take()[0].type, "connected");
});

test("a visitor's login refreshes the connection once, and every tab learns the user", () => {
  const gateway = new FakeGateway();
  const [one, other] = [gateway.tab("visitor"), gateway.tab("visitor")];
  gateway.welcome({ broadcast: {} }, { user: null });
  gateway.socket.deliver({ type: "refresh", within: 10 });
  for (const tab of [one, other]) {
    assert.equal(tab.take().at(-1).type, "refresh");
    tab.send({ type: "refresh", token: tokenOf("alice") });
  }
  assert.equal(gateway.requests("refresh").length, 1);
  gateway.answer("refresh", { type: "refreshed", user: "7", rights: "r1" });
  for (const tab of [one, other]) assert.equal(tab.take()[0].user, "7");
  const late = gateway.tab("alice");
  assert.equal(late.take()[0].user, "7");
  assert.equal(gateway.sockets.length, 1);
});

test("a token of another user separates its tab", () => {
  const { gateway, one, other } = two();
  other.send({ type: "refresh", token: tokenOf("bob") });
  one.take(), other.take();
  assert.deepEqual([one.ends, other.ends], [[], [4402]]);
  assert.equal(gateway.requests("refresh").length, 0);
  gateway.publish("user:7", 1);
  assert.deepEqual([one.offsets(), other.offsets()], [[1], []]);
});
