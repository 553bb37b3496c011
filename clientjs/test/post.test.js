import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { post } from "../src/post.js";

class FakeRequest {
  headers = {};
  open = (...given) => (this.opened = given);
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

const send = () => post("/t/", "a=1", { "X-CSRFToken": "c" }, (...given) => answers.push(given));

test("a POST goes out as a form does, with the headers", () => {
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

test("the answer is given once it is complete", () => {
  send();
  request.readyState = 3;
  request.onreadystatechange();
  assert.deepEqual(answers, []);
  request.finish(200, "body");
  assert.deepEqual(answers, [[200, "body"]]);
});

test("called off, it is aborted and answers nothing", () => {
  const abort = send();
  abort();
  assert.equal(request.isAborted, true);
  assert.deepEqual(answers, []);
});
