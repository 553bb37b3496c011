import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { TokenSource } from "../../src/credentials/token.js";
import { FakeClock } from "../fakes/clock.js";
import { FakeEndpoint } from "../fakes/endpoint.js";

const SETTINGS = { url: "/realtime", isUrlFixed: false, tokenUrl: "/realtime/token/" };

let clock, endpoint, got;

const source = (settings = {}) =>
  new TokenSource({ ...SETTINGS, ...settings }, clock, endpoint.post);
const get = (tokens) => tokens.get((failure, token) => got.push(failure ?? token));

beforeEach(() => {
  clock = new FakeClock();
  endpoint = new FakeEndpoint();
  got = [];
});

test("the first token in the page saves the request", () => {
  get(source({ token: "first", expiresIn: 60 }));
  assert.deepEqual([got, endpoint.urls], [["first"], []]);
});

test("a token is fetched if there is none", () => {
  endpoint.willIssue("fresh");
  get(source());
  assert.deepEqual([got, endpoint.urls], [["fresh"], ["/realtime/token/"]]);
});

test("a token is reused until most of its lifetime is over", () => {
  const tokens = source();
  endpoint.willIssue("one", { expires_in: 100 });
  endpoint.willIssue("two", { expires_in: 100 });
  get(tokens);
  clock.advance(89999);
  get(tokens);
  clock.advance(1);
  get(tokens);
  assert.deepEqual(got, ["one", "one", "two"]);
});

test("a dropped token is not reused", () => {
  const tokens = source({ token: "first" });
  endpoint.willIssue("second");
  tokens.drop();
  get(tokens);
  assert.deepEqual(got, ["second"]);
});

test("a token without an expiry is reused until it is dropped", () => {
  const tokens = source({ token: "first" });
  clock.advance(1e12);
  get(tokens);
  assert.deepEqual(got, ["first"]);
});

test("the endpoint's URL of the gateway is used, unless the options have one", () => {
  for (const [isUrlFixed, url] of [[false, "https://rt.example/realtime"], [true, "/realtime"]]) {
    const tokens = source({ isUrlFixed });
    endpoint.willIssue("t", { url: "https://rt.example/realtime" });
    get(tokens);
    assert.equal(tokens.url, url);
  }
});

for (const [status, reason] of [[401, "not signed in"], [403, "forbidden"]]) {
  test(`${status} is final: ${reason}`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason, isFinal: true }]);
  });
}

for (const status of [0, 302, 404, 429, 500, 503]) {
  test(`${status} is not final`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason: "no token now", isFinal: false }]);
  });
}

for (const body of ["", "<html>", "null", "{}", '{"token":""}', '{"token":7}', "7", '["t"]']) {
  test(`a response without a token is not final: ${body}`, () => {
    endpoint.answers.push([200, body]);
    get(source());
    assert.equal(got[0].isFinal, false);
  });
}

test("a cancelled request is aborted, and its response is ignored", () => {
  const tokens = source();
  get(tokens);
  tokens.cancel();
  endpoint.answer(200, { token: "late" });
  assert.deepEqual([got, endpoint.aborted], [[], 1]);
});

test("a request replaces the one before", () => {
  const tokens = source();
  get(tokens);
  const before = endpoint.pending;
  get(tokens);
  before(200, '{"token":"of the first"}');
  endpoint.answer(200, { token: "of the second" });
  assert.deepEqual(got, ["of the second"]);
});

test("an answered request is not aborted", () => {
  const tokens = source();
  get(tokens);
  endpoint.answer(200, { token: "t" });
  tokens.cancel();
  assert.deepEqual(got, ["t"]);
  assert.equal(endpoint.aborted, 0);
});

for (const answer of ["mine", { token: "mine", expires_in: 60 }]) {
  test(`the page's own function may return ${JSON.stringify(answer)}`, () => {
    get(source({ getToken: (callback) => callback(null, answer) }));
    assert.deepEqual([got, endpoint.urls], [["mine"], []]);
  });
}

test("the page's own function may fail", () => {
  get(source({ getToken: (callback) => callback({ status: 403 }) }));
  get(source({ getToken: (callback) => callback(new Error("no network")) }));
  assert.deepEqual(got.map(({ isFinal }) => isFinal), [true, false]);
});

test("a page that must log in requests nothing, until it connects again", () => {
  const tokens = source({ loginRequired: true });
  get(tokens);
  const refusal = { code: 401, reason: "not signed in", isFinal: true, isExpected: true };
  assert.deepEqual([got, endpoint.urls], [[refusal], []]);
  endpoint.willIssue("of the login");
  get(tokens);
  assert.deepEqual(got, [refusal, "of the login"]);
});

test("the page's own function is called whether or not the page has a login", () => {
  get(source({ loginRequired: true, getToken: (callback) => callback(null, "mine") }));
  assert.deepEqual(got, ["mine"]);
});

test("a token in the options cannot be replaced without an endpoint", () => {
  const tokens = source({ token: "only", tokenUrl: null });
  assert.equal(tokens.canFetch(), false);
  tokens.drop();
  get(tokens);
  assert.deepEqual(got, [{ code: 0, reason: "no token", isFinal: true }]);
});
