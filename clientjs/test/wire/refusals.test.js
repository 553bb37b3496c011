import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { TestConnection } from "../fakes/testconnection.js";

let received, page;

/** Start on a page with these settings. */
function start(settings) {
  ({ received, page } = new TestConnection(settings));
}

const names = () => received.states.map(([state]) => state);
const lastState = () => received.states.at(-1);

beforeEach(() => start());

for (const code of [4400, 4401, 4402, 4499]) {
  test(`after ${code} a fresh token is sent`, () => {
    page.endpoint.willIssue("T2");
    page.socket.accept();
    page.socket.end(code, "token refused");
    page.clock.advance(500);
    page.socket.accept();
    assert.deepEqual(page.endpoint.urls, ["/token/"]);
    assert.equal(page.socket.sent[0].token, "T2");
  });
}

for (const [status, state] of [[200, "connecting"], [401, "closed"]]) {
  test(`refused while Django fails temporarily, the client retries until Django answers ${status}`, () => {
    for (const _ of [1, 2]) page.endpoint.willRefuse(503);
    page.socket.accept();
    page.socket.end(4402, "session is not valid");
    page.clock.advance(500);
    assert.equal(names().at(-1), "waiting");
    page.clock.advance(7000);
    if (status === 200) page.endpoint.willIssue("T2");
    else page.endpoint.willRefuse(status);
    page.clock.advance(7000);
    assert.deepEqual([names().at(-1), page.endpoint.urls.length], [state, 3]);
  });
}

test("a second refusal, of a fresh token, closes the client", () => {
  page.endpoint.willIssue("T2");
  page.socket.end(4400, "token refused");
  page.clock.advance(500);
  page.socket.end(4402, "session is not valid");
  assert.deepEqual(lastState(), ["closed", { code: 4402, reason: "session is not valid" }]);
  page.clock.advance(1e9);
  assert.equal(page.endpoint.urls.length, 1);
});

test("a lost connection between two refusals does not reset them", () => {
  page.endpoint.willIssue("T2");
  page.socket.end(4400);
  page.clock.advance(500);
  page.socket.end(1006);
  page.clock.advance(1000);
  page.socket.end(4400);
  assert.equal(names().at(-1), "closed");
});

test("a connected frame between two refusals resets them", () => {
  page.endpoint.willIssue("T2");
  page.endpoint.willIssue("T3");
  page.socket.end(4400);
  page.clock.advance(500);
  page.welcome();
  page.socket.end(4401);
  page.clock.advance(500);
  page.socket.accept();
  assert.equal(page.socket.sent[0].token, "T3");
});

test("a refused token that cannot be replaced closes the client", () => {
  start({ tokenUrl: null });
  page.socket.end(4400);
  assert.equal(names().at(-1), "closed");
});

for (const [status, reason] of [[401, "not signed in"], [403, "forbidden"]]) {
  test(`${status} of the token endpoint: ${reason}, closed`, () => {
    start({ token: undefined });
    page.endpoint.answer(status, "");
    assert.deepEqual(lastState(), ["closed", { code: status, reason }]);
  });
}

test("a failing token endpoint is retried with back-off", () => {
  start({ token: undefined });
  page.endpoint.answer(503, "");
  assert.deepEqual(lastState(), ["waiting", { ms: 4500, code: 503, reason: "no token now" }]);
  page.endpoint.willRefuse(0);
  page.clock.advance(4500);
  assert.equal(lastState()[1].ms, 1000);
  page.endpoint.willIssue("T2");
  page.clock.advance(1000);
  assert.equal(page.sockets.length, 1);
});
