import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { postByFetch } from "../../src/async/fetch.js";

let server, url;
const requests = [];

before(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    requests.push({ method: request.method, headers: request.headers, body });
    response.writeHead(request.url === "/no" ? 403 : 200).end(`said ${body}`);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

const post = (url, body, headers = {}) =>
  new Promise((resolve) => postByFetch(url, body, headers, (...given) => resolve(given)));

test("a POST is encoded like a form, and has its headers", async () => {
  assert.deepEqual(await post(`${url}/`, "channel=room", { "X-CSRFToken": "C" }), [200, "said channel=room"]);
  const { method, headers } = requests.at(-1);
  assert.deepEqual(
    [method, headers["content-type"], headers["x-csrftoken"], headers["x-requested-with"], headers.accept],
    ["POST", "application/x-www-form-urlencoded", "C", "XMLHttpRequest", "application/json"],
  );
});

test("a refusal has its status", async () => {
  assert.equal((await post(`${url}/no`, ""))[0], 403);
});

test("a URL that no server has is no response", async () => {
  assert.deepEqual(await post("/relative/", ""), [0, ""]);
});

test("an aborted request calls nobody", async () => {
  const given = [];
  const abort = postByFetch(`${url}/`, "", {}, (...args) => given.push(args));
  abort();
  await post(`${url}/`, "");
  assert.deepEqual(given, []);
});
