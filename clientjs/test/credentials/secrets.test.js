import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { begin, bodyFor, end, secretOf, ticket, ticketed } from "../../src/credentials/secrets.js";
import { sha256 } from "../../src/credentials/sha256.js";
import { VECTORS } from "../vectors.js";

const URL = "http://rt.example/realtime/000/session";
const SECRET = "abcdefghijklmnopqrstuvwx";

for (const length of [0, 1, 3, 26, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
  test(`a text of ${length} characters has the digest that Node.js computes`, () => {
    const text = "az05:-_".repeat(length).slice(0, length);
    assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"));
  });
}

for (const { secret, number, ticket: expected } of VECTORS.tickets) {
  test(`ticket ${number} has the gateway's format`, () => {
    assert.equal(ticket(secret, number), expected);
  });
}

test("a POST carries the secret of its session", () => {
  const owner = {};
  assert.equal(begin(owner, URL, SECRET), SECRET);
  assert.equal(secretOf(URL), SECRET);
  assert.equal(bodyFor(URL + "/xhr"), SECRET);
  assert.equal(bodyFor("http://rt.example/realtime/000/other/xhr"), null);
  end(owner);
  assert.equal(bodyFor(URL + "/xhr"), null);
});

test("each GET has a different ticket", () => {
  const owner = {};
  begin(owner, URL + "?site=7", SECRET);
  const first = ticketed(URL + "/eventsource?site=7");
  assert.equal(first, `${URL}/eventsource?site=7&ticket=${ticket(SECRET, 0)}`);
  assert.equal(ticketed(URL + "/jsonp"), `${URL}/jsonp?ticket=${ticket(SECRET, 1)}`);
  end(owner);
  assert.equal(ticketed(URL + "/jsonp"), URL + "/jsonp");
});

test("an owner has one session at a time", () => {
  const owner = {};
  begin(owner, URL, SECRET);
  begin(owner, URL + "2", SECRET);
  assert.equal(secretOf(URL), null);
  assert.equal(begin(owner, URL, undefined), null);
  assert.equal(secretOf(URL + "2"), null);
});
