import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { GrantSource } from "../src/grants.js";
import { FakeClock } from "./fakes/clock.js";
import { FakeEndpoint } from "./fakes/endpoint.js";

let clock, endpoint, got;

const source = (settings = {}) =>
  new GrantSource({ grantUrl: "/realtime/grant/", ...settings }, clock, endpoint.ask);
const get = (grants, channel = "room:7") =>
  grants.get(channel, (failure, grant) => got.push(failure ?? grant));

beforeEach(() => {
  clock = new FakeClock();
  endpoint = new FakeEndpoint();
  got = [];
});

test("a grant is asked for by the channel's name, as a form is encoded", () => {
  endpoint.willGrant("G");
  get(source(), "room:7&a=+%");
  assert.deepEqual([got, endpoint.asked], [["G"], ["/realtime/grant/"]]);
  assert.equal(new URLSearchParams(endpoint.bodies[0]).get("channel"), "room:7&a=+%");
});

test("a grant is shown again until most of its life is over", () => {
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

test("each channel has a grant of its own", () => {
  const grants = source();
  for (const grant of ["seven", "eight"]) endpoint.willGrant(grant);
  for (const channel of ["room:7", "room:8", "room:7", "constructor"]) get(grants, channel);
  assert.deepEqual(got, ["seven", "eight", "seven"]);
  assert.equal(endpoint.asked.length, 3);
});

test("a dropped grant is not shown again", () => {
  const grants = source();
  grants.keep("room:7", { grant: "mine" });
  get(grants);
  grants.drop("room:7");
  endpoint.willGrant("fresh");
  get(grants);
  assert.deepEqual(got, ["mine", "fresh"]);
});

test("a public channel has none, and that is kept", () => {
  const grants = source();
  endpoint.willGrant(null);
  get(grants);
  get(grants);
  assert.deepEqual([got, endpoint.asked.length], [[null, null], 1]);
});

test("with no endpoint the gateway is asked without a grant", () => {
  get(source({ grantUrl: null }));
  assert.deepEqual([got, source({ grantUrl: null }).canFetch()], [[null], false]);
});

for (const status of [400, 401, 403, 404]) {
  test(`${status} is final`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason: "not allowed", isFinal: true }]);
  });
}

for (const status of [0, 302, 408, 429, 500, 503]) {
  test(`${status} may be better next time`, () => {
    endpoint.willRefuse(status);
    get(source());
    assert.deepEqual(got, [{ code: status, reason: "no grant now", isFinal: false }]);
  });
}

for (const body of ["", "<html>", "null", "{}", '{"grant":7}', "7", '["g"]']) {
  test(`an answer without a grant may be better next time: ${body}`, () => {
    endpoint.answers.push([200, body]);
    get(source());
    assert.equal(got[0].isFinal, false);
  });
}

test("an endpoint that does not answer is given up, and heard no more", () => {
  get(source());
  clock.advance(20000);
  assert.deepEqual(got, [{ code: 0, reason: "no answer in time", isFinal: false }]);
  endpoint.answer(200, { grant: "late" });
  assert.equal(got.length, 1);
});

for (const answer of ["mine", { grant: "mine", expires_in: 60 }]) {
  test(`the page's own function grants: ${JSON.stringify(answer)}`, () => {
    const asked = [];
    get(source({ getGrant: (channel, callback) => asked.push(channel) && callback(null, answer) }));
    assert.deepEqual([got, asked], [["mine"], ["room:7"]]);
  });
}

test("the page's own function may refuse", () => {
  get(source({ getGrant: (channel, callback) => callback({ status: 403 }) }));
  assert.equal(got[0].isFinal, true);
});
