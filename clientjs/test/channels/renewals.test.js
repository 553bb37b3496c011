/** A user logs in while the page is open. The gateway requests a token, and the page sends it. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { TestConnection } from "../fakes/testconnection.js";

let connection, received, page;

function start(settings) {
  ({ connection, received, page } = new TestConnection(settings));
  page.welcome({ user: null, channels: { broadcast: {} } });
}

const requestToken = () => page.socket.deliver({ type: "refresh", within: 10 });
const shown = () => page.socket.sent.slice(1);

beforeEach(() => start());

test("after a refresh frame, a fresh token is fetched and sent on the same connection", () => {
  page.endpoint.willIssue("T2");
  requestToken();
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
  assert.equal(page.sockets.length, 1);
  assert.deepEqual(received.states.map(([state]) => state), ["connecting", "connected"]);
});

test("the token request is repeated while the new cookie is on its way", () => {
  requestToken();
  for (const ms of [500, 1000, 1000]) {
    page.endpoint.answer(503, "");
    page.clock.advance(ms - 1);
    const before = page.endpoint.urls.length;
    page.clock.advance(1);
    assert.equal(page.endpoint.urls.length, before + 1);
  }
  page.endpoint.answer(200, { token: "T2" });
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
});

test("the token request is still repeated when the site is slow to answer the login", () => {
  let refused = 0;
  requestToken();
  for (let ms = 0; ms < 9000; ms += 250) {
    if (page.endpoint.urls.length > refused) page.endpoint.answer(503, "");
    refused = page.endpoint.urls.length;
    page.clock.advance(250);
  }
  assert.ok(page.endpoint.urls.length >= 9, `${page.endpoint.urls.length} requests in 9 s`);
});

test("a refresh frame while interrupted is answered, too", () => {
  page.socket.deliver({ type: "interrupted" });
  page.endpoint.willIssue("T2");
  requestToken();
  assert.deepEqual(shown(), [{ type: "refresh", token: "T2" }]);
});

for (const status of [401, 403]) {
  test(`after ${status} of Django, the client leaves the connection to the gateway`, () => {
    page.endpoint.willRefuse(status);
    requestToken();
    page.clock.advance(9000);
    assert.equal(page.endpoint.urls.length, 1);
    assert.equal(connection.state, "connected");
    page.endpoint.willIssue("T2");
    page.socket.end(4402);
    page.clock.advance(500);
    page.welcome();
    assert.equal(page.socket.sent[0].token, "T2");
  });
}

test("a connection that is lost meanwhile reconnects with a newly fetched token", () => {
  requestToken();
  page.endpoint.answer(503, "");
  page.socket.end(1006);
  page.endpoint.willIssue("T2");
  page.clock.advance(5000);
  page.socket.accept();
  assert.deepEqual(page.socket.sent, [{ type: "connect", token: "T2", recover: {} }]);
  assert.equal(page.endpoint.urls.length, 2);
});

test("a token that arrives after the page has closed is not sent", () => {
  requestToken();
  connection.dispatch("close", { code: 1000, reason: "" });
  page.endpoint.answer(200, { token: "T2" });
  assert.deepEqual(shown(), []);
});
