import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { GrantSource } from "../../src/credentials/grants.js";
import { FakeClock } from "../fakes/clock.js";
import { FakeEndpoint } from "../fakes/endpoint.js";

let clock, endpoint, got;

const source = (settings = {}) =>
  new GrantSource({ grantUrl: "/realtime/grant/", ...settings }, clock, endpoint.post);
const get = (grants, channel = "room:7") =>
  grants.get(channel, (failure, grant) => got.push(failure ?? grant));

beforeEach(() => {
  clock = new FakeClock();
  endpoint = new FakeEndpoint();
  got = [];
});

test("the request for a grant has the channel's name, form-encoded", () => {
  endpoint.willGrant("G");
  get(source(), "room:7&a=+%");
  assert.deepEqual([got, endpoint.urls], [["G"], ["/realtime/grant/"]]);
  assert.equal(new URLSearchParams(endpoint.bodies[0]).get("channel"), "room:7&a=+%");
});

test("a grant is reused until most of its lifetime is over", () => {
  const grants = source();
  endpoint.willGrant("one", { expires_in: 100 });
  endpoint.willGrant("two", { expires_in: 100 });
  get(grants);
  clock.advance(89999);
  get(grants);
  clock.advance(1);
  get(grants);
  assert.deepEqual(got, ["one", "one", "two"]);
});

test("each channel has its own grant", () => {
  const grants = source();
  for (const grant of ["seven", "eight"]) endpoint.willGrant(grant);
  for (const channel of ["room:7", "room:8", "room:7", "constructor"]) get(grants, channel);
  assert.deepEqual(got, ["seven", "eight", "seven"]);
  assert.equal(endpoint.urls.length, 3);
});

test("a dropped grant is not reused", () => {
  const grants = source();
  grants.keep("room:7", { grant: "mine" });
  get(grants);
  grants.drop("room:7");
  endpoint.willGrant("fresh");
  get(grants);
  assert.deepEqual(got, ["mine", "fresh"]);
});

test("a public channel has no grant, and that is stored", () => {
  const grants = source();
  endpoint.willGrant(null);
  get(grants);
  get(grants);
  assert.deepEqual([got, endpoint.urls.length], [[null, null], 1]);
});

test("without an endpoint there is no grant", () => {
  get(source({ grantUrl: null }));
  assert.deepEqual([got, source({ grantUrl: null }).canFetch()], [[null], false]);
});

for (const status of [400, 401, 403, 404]) {
  test(`${status} is final`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason: `Django answers ${status}, check AUTHORIZE`, isFinal: true }]);
  });
}

for (const status of [0, 302, 408, 429, 500, 503]) {
  test(`${status} is not final`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason: "no grant now", isFinal: false }]);
  });
}

for (const body of ["", "<html>", "null", "{}", '{"grant":7}', "7", '["g"]']) {
  test(`a response without a grant is not final: ${body}`, () => {
    endpoint.answers.push([200, body]);
    get(source());
    assert.equal(got[0].isFinal, false);
  });
}

test("a request without a response fails after the deadline, and a later response is ignored", () => {
  get(source());
  clock.advance(20000);
  assert.deepEqual(got, [{ code: 0, reason: "no answer in time" }]);
  endpoint.answer(200, { grant: "late" });
  assert.equal(got.length, 1);
});

for (const answer of ["mine", { grant: "mine", expires_in: 60 }]) {
  test(`the page's own function may return ${JSON.stringify(answer)}`, () => {
    const channels = [];
    get(source({ getGrant: (channel, callback) => channels.push(channel) && callback(null, answer) }));
    assert.deepEqual([got, channels], [["mine"], ["room:7"]]);
  });
}

test("the page's own function may return an error", () => {
  get(source({ getGrant: (channel, callback) => callback({ status: 403 }) }));
  assert.equal(got[0].isFinal, true);
});

test("grants that the page carries save the request until they expire", () => {
  const grants = source({ grants: { "room:7": { grant: "G", expires_in: 10 } } });
  get(grants);
  clock.advance(9000);
  endpoint.willGrant("later");
  get(grants);
  assert.deepEqual(got, ["G", "later"]);
});

test("requests for one channel share an answer", () => {
  const grants = source();
  for (const channel of ["room:7", "room:7", "room:8"]) get(grants, channel);
  assert.equal(endpoint.urls.length, 2);
  endpoint.answer(200, { grant: "eight" });
  assert.deepEqual(got, ["eight"]);
});

test("a failure of a prefetch is the answer to the next get, once", () => {
  const grants = source();
  endpoint.willRefuse(403);
  grants.prefetch("room:7");
  endpoint.willGrant("G");
  get(grants);
  get(grants);
  assert.deepEqual(got.map((one) => one.code ?? one), [403, "G"]);
});

test("a refusal that a request has received with a prefetch is not the answer to the next one", () => {
  const grants = source();
  grants.prefetch("room:7");
  get(grants); // Joins the request that is under way.
  endpoint.answer(403, "");
  endpoint.willGrant("G"); // Django has granted the right meanwhile.
  get(grants);
  assert.deepEqual(got.map((one) => one.code ?? one), [403, "G"]);
});

test("an old failure of a prefetch is no answer", () => {
  const grants = source();
  endpoint.willRefuse(403);
  grants.prefetch("room:7");
  clock.advance(10000);
  endpoint.willGrant("G");
  get(grants);
  assert.deepEqual(got, ["G"]);
});

test("a failure of a prefetch is dropped with the grant", () => {
  const grants = source();
  endpoint.willRefuse(403);
  grants.prefetch("room:7");
  grants.drop("room:7");
  endpoint.willGrant("G");
  get(grants);
  assert.deepEqual(got, ["G"]);
});
