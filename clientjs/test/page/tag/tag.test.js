/** Which requests name the connection: with the `fetch` and the XMLHttpRequest of jsdom and Node.js. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { JSDOM } from "jsdom";

import { HEADER, tagRequests } from "../../../src/page/tag/index.js";

const ID = "Kx3_abc-DEF45678";
const NAME = HEADER.toLowerCase();
const servers = [];
let seen = [];

async function serve() {
  const server = createServer((request, response) => {
    seen.push([request.method, request.url, request.headers[NAME], request.headers.other]);
    const cors = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*" };
    response.writeHead(200, cors).end("ok");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${server.address().port}`;
}

let own, foreign;
before(async () => ([own, foreign] = [await serve(), await serve()]));
after(() => servers.forEach((server) => server.close()));

function openPage() {
  seen = [];
  const { window: page } = new JSDOM("<p>", { url: `${own}/shop/` });
  // jsdom has no fetch.
  page.Headers = Headers;
  page.fetch = (input, init) => fetch(typeof input === "string" ? new URL(input, page.location.href) : input, init);
  return page;
}

function xhr(page, method, url, headers = {}) {
  return new Promise((resolve) => {
    const request = new page.XMLHttpRequest();
    request.open(method, url);
    Object.entries(headers).forEach(([name, value]) => request.setRequestHeader(name, value));
    request.onloadend = resolve;
    request.send();
  });
}

test("changes on the page's own origin name the connection", async () => {
  const page = openPage();
  tagRequests({ connection: ID }, page);
  for (const method of ["POST", "PUT", "patch", "DELETE"]) await page.fetch("/a/", { method: method.toUpperCase() });
  await page.fetch(`${own}/b/`, { method: "POST", headers: { other: "1" } });
  await page.fetch(new URL("/c/", own), { method: "POST" });
  await page.fetch(new Request(`${own}/d/`, { method: "POST", headers: { other: "2" } }));
  await page.fetch(new Request(`${own}/e/`), { method: "POST" });
  await xhr(page, "POST", "../f/");
  await xhr(page, "DELETE", `${own}/g/`, { other: "3" });
  assert.deepEqual(seen.map(([, , id]) => id), Array(10).fill(ID));
  assert.deepEqual(seen.map(([, , , other]) => other), [...Array(4).fill(undefined), "1", undefined, "2", undefined, undefined, "3"]);
});

test("requests that change nothing, and foreign origins, stay as they are", async () => {
  const page = openPage();
  tagRequests({ connection: ID }, page);
  await page.fetch("/a/");
  await page.fetch(new Request(`${own}/a/`));
  await page.fetch(`${foreign}/b/`, { method: "POST" });
  await page.fetch(new Request(`${foreign}/b/`, { method: "POST" }));
  await xhr(page, "GET", "/c/");
  await xhr(page, "POST", `${foreign}/d/`);
  assert.equal(seen.length, 6);
  assert.deepEqual(seen.filter(([, , id]) => id), []);
});

test("a base element of a foreign origin makes relative URLs foreign", async () => {
  const page = openPage();
  page.document.head.innerHTML = `<base href="${foreign}/">`;
  tagRequests({ connection: ID }, page);
  await xhr(page, "POST", "d/");
  assert.deepEqual(seen, [["POST", "/d/", undefined, undefined]]);
});

test("the header is that of the connection of now, and absent without one", async () => {
  const page = openPage();
  const rt = { connection: "" };
  tagRequests(rt, page);
  await page.fetch("/a/", { method: "POST" });
  await xhr(page, "POST", "/a/");
  rt.connection = ID;
  await page.fetch("/a/", { method: "POST" });
  rt.connection = "another";
  await xhr(page, "POST", "/a/");
  assert.deepEqual(seen.map(([, , id]) => id), [undefined, undefined, ID, "another"]);
});

test("an XMLHttpRequest that is opened again for another origin loses the header", async () => {
  const page = openPage();
  tagRequests({ connection: ID }, page);
  const request = new page.XMLHttpRequest();
  request.open("POST", "/a/");
  request.open("POST", `${foreign}/b/`);
  await new Promise((resolve) => ((request.onloadend = resolve), request.send()));
  assert.deepEqual(seen.map(([, url, id]) => [url, id]), [["/b/", undefined]]);
});

test("it ends, also where another script has wrapped fetch since", async () => {
  const page = openPage();
  const { fetch: before } = page;
  const { open, send } = page.XMLHttpRequest.prototype;
  const end = tagRequests({ connection: ID }, page);
  end();
  assert.equal(page.fetch, before);
  assert.deepEqual([page.XMLHttpRequest.prototype.open, page.XMLHttpRequest.prototype.send], [open, send]);
  const endWrapped = tagRequests({ connection: ID }, page);
  const tagged = page.fetch;
  page.fetch = (...given) => tagged(...given);
  endWrapped();
  await page.fetch("/a/", { method: "POST" });
  assert.deepEqual(seen.map(([, , id]) => id), [undefined]);
});
