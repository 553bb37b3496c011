/** What the hooks follow, without a framework. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { followPresence } from "../../src/hooks/follow.js";
import { AsyncRoom } from "../fakes/asyncroom.js";

function present(t) {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => mock.timers.reset());
  t.mock.method(Math, "random", () => 0.5);
  const made = AsyncRoom.subscribed();
  const seen = [];
  const stop = followPresence(made.rt, "room:7", undefined, (presence) => seen.push(presence && presence.users));
  made.run();
  const asked = () => made.page.socket.sent.filter(({ type }) => type === "presence").length;
  const answer = (users) => made.answer({ type: "presence", channel: "room:7", users, anonymous: 0 });
  answer({ 7: 1, 8: 1 });
  const gap = (more) => made.page.socket.deliver({ type: "gap", channel: "room:7", ...more });
  return { seen, stop, asked, answer, gap };
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
