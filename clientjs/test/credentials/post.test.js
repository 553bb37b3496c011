import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { post } from "../../src/credentials/post.js";

class FakeRequest {
  headers = {};
  open = (...args) => (this.opened = args);
  setRequestHeader = (name, value) => (this.headers[name] = value);
  send = (body) => (this.sent = body);
  abort = () => {
    this.isAborted = true;
    this.finish(0, "");
  };

  finish(status, text) {
    this.readyState = 4;
    Object.assign(this, { status, responseText: text });
    this.onreadystatechange();
  }
}

let answers, request;

beforeEach((t) => {
  answers = [];
  globalThis.XMLHttpRequest = function () {
    return (request = new FakeRequest());
  };
});

const send = () => post("/t/", "a=1", { "X-CSRFToken": "c" }, (...args) => answers.push(args));

test("a POST is form-encoded and has the headers", () => {
  send();
  assert.deepEqual(request.opened, ["POST", "/t/", true]);
  assert.equal(request.sent, "a=1");
  assert.deepEqual(request.headers, {
    Accept: "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    "X-Requested-With": "XMLHttpRequest",
    "X-CSRFToken": "c",
  });
});

test("the callback receives the complete response", () => {
  send();
  request.readyState = 3;
  request.onreadystatechange();
  assert.deepEqual(answers, []);
  request.finish(200, "body");
  assert.deepEqual(answers, [[200, "body"]]);
});

test("an aborted request does not call back", () => {
  const abort = send();
  abort();
  assert.equal(request.isAborted, true);
  assert.deepEqual(answers, []);
});
