/** What the hooks follow, without a framework. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { followPresence } from "../../src/frameworks/follow.js";
import { AsyncRoom } from "../fakes/asyncroom.js";

function present(t) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  t.mock.method(Math, "random", () => 0.5);
  const made = AsyncRoom.subscribed();
  const seen = [];
  const all = [];
  const stop = followPresence(made.rt, "room:7", undefined, (presence) => {
    all.push(presence);
    seen.push(presence && presence.users);
  });
  made.run();
  const asked = () => made.page.socket.sent.filter(({ type }) => type === "presence").length;
  const answer = (users, more) =>
    made.answer({ type: "presence", channel: "room:7", users, anonymous: 0, ...more });
  const move = (type, user) => made.page.socket.deliver({ type, channel: "room:7", user });
  answer({ 7: 1, 8: 1 });
  const gap = (more) => made.page.socket.deliver({ type: "gap", channel: "room:7", ...more });
  return { seen, stop, asked, answer, gap, move, last: () => all[all.length - 1] };
}

test("presence is read again after a gap, within the time that the gap names", (t) => {
  const { seen, asked, answer, gap } = present(t);
  gap({ within: 40 });
  mock.timers.tick(19_999);
  assert.equal(asked(), 1);
  mock.timers.tick(1);
  assert.equal(asked(), 2);
  answer({ 7: 1 });
  assert.deepEqual(seen, [["7", "8"], ["7"]]);
});

test("a crowd that is only counted grows and shrinks by its joins and leaves", (t) => {
  const { answer, gap, move, last } = present(t);
  assert.equal("count" in last(), false);
  gap({ within: 0 });
  mock.timers.tick(1);
  answer({}, { count: 2000 });
  assert.deepEqual(last(), { users: [], anonymous: 0, count: 2000 });
  move("join", "9");
  move("join", "10");
  move("leave", "11");
  assert.deepEqual(last(), { users: [], anonymous: 0, count: 2001 });
});

test("many gaps cost one request, and none after the end", (t) => {
  const { stop, asked, gap } = present(t);
  gap(), gap(), gap();
  mock.timers.tick(1000);
  assert.equal(asked(), 2);
  gap();
  stop();
  mock.timers.tick(60_000);
  assert.equal(asked(), 2);
});
