/** Somebody has logged in on an open page: the gateway asks who, and the page shows a token. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Line } from "./fakes/line.js";

let connection, heard, page;

function start(settings) {
  ({ connection, heard, page } = new Line(settings));
  page.welcome({ user: null, channels: { broadcast: {} } });
}

const ask = () => page.socket.deliver({ type: "refresh", within: 10 });
const shown = () => page.socket.sent.slice(1);

beforeEach(() => start());

test("asked for a token, it fetches one at once and shows it on the same connection", () => {
  page.endpoint.willIssue("T2");
  ask();
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
  assert.equal(page.sockets.length, 1);
  assert.deepEqual(heard.states.map(([state]) => state), ["connecting", "connected"]);
});

test("while the new cookie is still on its way it asks again and again", () => {
  ask();
  for (const ms of [500, 1000, 2000]) {
    page.endpoint.answer(503, "");
    page.clock.advance(ms - 1);
    const before = page.endpoint.asked.length;
    page.clock.advance(1);
    assert.equal(page.endpoint.asked.length, before + 1);
  }
  page.endpoint.answer(200, { token: "T2" });
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
});

test("asked without Redis at the gateway, it shows a token all the same", () => {
  page.socket.deliver({ type: "interrupted" });
  page.endpoint.willIssue("T2");
  ask();
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
});

for (const status of [401, 403]) {
  test(`where Django says ${status} it leaves the rest to the gateway`, () => {
    page.endpoint.willRefuse(status);
    ask();
    page.clock.advance(9000);
    assert.equal(page.endpoint.asked.length, 1);
    assert.equal(connection.state, "connected");
    page.endpoint.willIssue("T2");
    page.socket.end(4402);
    page.clock.advance(500);
    page.welcome();
    assert.equal(page.socket.sent[0].token, "T2");
  });
}

test("a connection that is lost meanwhile comes back with the token that is fetched then", () => {
  ask();
  page.endpoint.answer(503, "");
  page.socket.end(1006);
  page.endpoint.willIssue("T2");
  page.clock.advance(5000);
  page.socket.accept();
  assert.deepEqual(page.socket.sent, [{ type: "connect", token: "T2", recover: {} }]);
  assert.equal(page.endpoint.asked.length, 2);
});

test("a token that comes when the page has closed is not shown", () => {
  ask();
  connection.happen("close", { code: 1000, reason: "" });
  page.endpoint.answer(200, { token: "T2" });
  assert.deepEqual(shown(), []);
});
