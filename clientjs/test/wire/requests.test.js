import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LOST, Requests } from "../../src/wire/requests.js";
import { FakeClock } from "../fakes/clock.js";

let answers, requests;
const record = (name) => (refusal, frame) => answers.push([name, refusal, frame]);

const link = { send() {} };

/** Send a request, and return its id. */
function send(name) {
  const frame = { type: "presence" };
  requests.send(link, frame, record(name));
  return frame.id;
}

beforeEach(() => {
  answers = [];
  requests = new Requests(new FakeClock());
});

test("a response calls the callback of its request, once", () => {
  const [, id] = [send("one"), send("two")];
  const frame = { type: "presence", reply_to: id };
  assert.deepEqual([requests.settle(frame), requests.settle(frame)], [true, false]);
  assert.deepEqual(answers, [["two", null, frame]]);
});

test("an error frame is a refusal", () => {
  const refusal = { type: "error", code: "not_allowed", reply_to: send("one") };
  requests.settle(refusal);
  assert.deepEqual(answers, [["one", refusal, undefined]]);
});

for (const reply_to of [undefined, null, 7, "constructor", "__proto__"]) {
  test(`no request has the id ${reply_to}`, () => {
    send("one");
    assert.equal(requests.settle({ reply_to }), false);
    assert.deepEqual(answers, []);
  });
}

test("all requests fail with the connection, and ids are never reused", () => {
  const id = send("one");
  requests.detach();
  assert.deepEqual(answers, [["one", LOST, undefined]]);
  assert.notEqual(send("two"), id);
});
