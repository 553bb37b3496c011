/** Scripts beside the core that follow the clients of a page. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { JSDOM } from "jsdom";

import { followClients, followersOf } from "../../src/base/registry.js";

test("each follower is called until it ends, whichever script was first", () => {
  const { window } = new JSDOM();
  const calls = [];
  const follow = (name) => followClients(window, (client) => calls.push(name + client));
  const tell = (client) => followersOf(window).forEach((follower) => follower(client));
  const end = follow("badge ");
  follow("guard ");
  tell(1);
  end();
  tell(2);
  assert.deepEqual(calls, ["badge 1", "guard 1", "guard 2"]);
});

test("no element is a follower, and following adds no global with a name", () => {
  const { window } = new JSDOM('<a id="sockgate client"></a><form name="sockgate client"><input name="length"></form>');
  const names = Object.getOwnPropertyNames(window);
  assert.deepEqual(followersOf(window), []);
  followClients(window, () => undefined);
  assert.deepEqual([followersOf(window).length, Object.getOwnPropertyNames(window)], [1, names]);
});
