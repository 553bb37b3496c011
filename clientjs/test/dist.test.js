/** What was built: `npm run build` comes first. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { parse } from "acorn";

import { InternetExplorer8 } from "./ie8/browser.js";
import { FakeSite } from "./ie8/site.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

const CLIENT = read("../dist/sockgate.js");
const SOCKJS = read("../dist/sockjs.js");

for (const [name, code] of Object.entries({ CLIENT, SOCKJS })) {
  test(`an ES5 parser takes ${name}`, () => {
    parse(code, { ecmaVersion: 5, sourceType: "script" });
  });

  test(`${name} names no property by a reserved word, which IE8 refuses`, () => {
    assert.doesNotMatch(code, /\.(default|catch|finally|delete|class|import|export|new|for)\b[^\w"']/);
  });
}

test("the ES5 parser would not take anything newer", () => {
  assert.throws(() => parse("var f = () => 1", { ecmaVersion: 5 }));
});

test("the module exports what the script does, without a browser too", async () => {
  const module = await import("../dist/sockgate.mjs");
  assert.deepEqual(Object.keys(module), ["CloseCode", "connect"]);
});

test("the source map and the types are there", () => {
  assert.match(CLIENT, /\/\/# sourceMappingURL=sockgate\.js\.map\s*$/);
  const map = JSON.parse(read("../dist/sockgate.js.map"));
  assert.ok(map.sources.includes("../src/states.js"));
  assert.equal(read("../dist/sockgate.d.ts"), read("../src/sockgate.d.ts"));
});

test("the README tells what the script weighs", () => {
  const [, kB, zippedKB] = read("../README.md").match(/(\d+) kB, (\d+) kB with gzip/);
  assert.ok(Math.abs(CLIENT.length / 1000 - kB) < 2, `${CLIENT.length} bytes`);
  const zipped = gzipSync(CLIENT).length;
  assert.ok(Math.abs(zipped / 1000 - zippedKB) < 2, `${zipped} bytes with gzip`);
});

test("Django and the gateway serve what was built", () => {
  assert.equal(read("../../djangoauth/static/djangoauth/sockgate.js"), CLIENT);
  assert.equal(read("../../gateway/sockjs/static/sockjs.js"), SOCKJS);
  const map = new URL("../../djangoauth/static/djangoauth/sockgate.js.map", import.meta.url);
  assert.ok(existsSync(map));
});

// In Internet Explorer 8.

const PAGE = `
  var states = "", news = "", rt = Sockgate.connect(options);
  rt.onstate = function (state) { states += state + " "; };
  rt.on("news", function (data) { news += data.title + " "; });
`;

/** Open the page, with a site whose gateway is at this URL. */
function visit(url, options = {}) {
  const site = new FakeSite();
  site.url = url;
  const browser = new InternetExplorer8("http://shop.example/", site);
  browser.evaluate(CLIENT, "sockgate.js");
  browser.evaluate(`var options = ${JSON.stringify(options)};${PAGE}`);
  browser.pass(2000);
  return { browser, site, says: (code) => browser.evaluate(code) };
}

const TOO_NEW = [
  "[].forEach(f)", "[].map(f)", "[].filter(f)", "[].indexOf(1)", "Array.isArray([])",
  "Object.keys({})", "Object.create({})", "Object.defineProperty({}, 'x', {})",
  "Object.assign({}, {})", "f.bind(null)", "' '.trim()", "Date.now()", "new Date().toISOString()",
  "new Promise(f)", "new Map()", "new Set()", "Symbol()", "new Uint8Array(1)", "globalThis.x",
  "fetch('/')", "new WebSocket('ws://x/')", "new EventSource('/')", "console.log('x')",
  "window.addEventListener('load', f)", "document.querySelector('x')", "crypto.getRandomValues(f)",
];

for (const name of TOO_NEW) {
  test(`Internet Explorer 8 does not know ${name}`, () => {
    const browser = new InternetExplorer8("http://shop.example/", new FakeSite());
    assert.throws(() => browser.evaluate(`var f = function () {};${name}`));
  });
}

const WAYS = [
  ["xhr-polling", "/realtime", { transports: ["xhr-polling"] }],
  ["xdr-streaming", "http://rt.example/realtime", {}],
  ["xdr-polling", "http://rt.example/realtime", { transports: ["xdr-polling"] }],
  ["jsonp-polling", "http://rt.example/realtime", { transports: ["jsonp-polling"] }],
];

for (const [transport, url, options] of WAYS) {
  test(`over ${transport} it connects with a token that it fetched`, () => {
    const { site, says } = visit(url, options);
    assert.equal(says("states"), "connecting connected ");
    assert.equal(says("rt.transport"), transport);
    assert.equal(says("rt.user"), "7");
    assert.equal(site.tokensIssued, 1);
    assert.deepEqual(site.connection.received, [{ type: "connect", token: "T1", recover: {} }]);
    assert.match(site.connection.id, /^[a-z0-5]{24}$/);
  });

  test(`over ${transport} it receives`, () => {
    const { browser, site, says } = visit(url, options);
    for (const title of ["Djangocon", "čau\u2028😀"]) {
      site.connection.send({ channel: "user:7", data: { event: "news", data: { title } } });
    }
    browser.pass(1000);
    assert.equal(says("news"), "Djangocon čau\u2028😀 ");
  });

  test(`over ${transport} it comes back when the server goes, with the same token`, () => {
    const { browser, site, says } = visit(url, options);
    site.connection.close(3001, "server is restarting");
    browser.pass(10000);
    assert.equal(says("states"), "connecting connected waiting connecting connected ");
    assert.equal(site.connections.length, 2);
    assert.notEqual(site.connections[0].id, site.connections[1].id);
    assert.equal(site.connection.received[0].token, "T1");
    site.connection.send({ channel: "user:7", data: { event: "news", data: { title: "again" } } });
    browser.pass(1000);
    assert.equal(says("news"), "again ");
  });

  test(`over ${transport} a refused token is replaced by a fresh one, once`, () => {
    const { browser, site, says } = visit(url, options);
    site.refused.add("T1");
    site.connection.close(4402, "session is not valid");
    browser.pass(10000);
    assert.equal(site.connection.received[0].token, "T2");
    assert.equal(says("rt.state"), "connected");
    site.refused.add("T2").add("T3");
    site.connection.close(4402, "session is not valid");
    browser.pass(1e6);
    assert.equal(says("rt.state"), "closed");
    assert.equal(site.tokensIssued, 3);
  });

  test(`over ${transport} it stays away when the login ended`, () => {
    const { browser, site, says } = visit(url, options);
    site.connection.close(4500, "session ended");
    browser.pass(1000);
    const requests = site.requests.length;
    browser.pass(1e6);
    assert.equal(says("rt.state"), "closed");
    assert.equal(site.requests.length, requests);
  });
}

test("no URL ever holds a token", () => {
  const { site } = visit("/realtime");
  for (const { url } of site.requests) assert.doesNotMatch(url.href, /T1/);
});

test("what Django left in the page saves the request for a token", () => {
  const site = new FakeSite();
  const browser = new InternetExplorer8("http://shop.example/", site);
  browser.document.configure({ url: "/realtime", token: "of-the-page", expiresIn: 3600 });
  browser.evaluate(CLIENT, "sockgate.js");
  browser.evaluate("var rt = Sockgate.connect({ debug: true });");
  browser.pass(2000);
  assert.equal(site.connection.received[0].token, "of-the-page");
  assert.equal(site.tokensIssued, 0);
});

test("a script that runs in the head, before there is a body, connects", () => {
  const site = new FakeSite();
  const browser = new InternetExplorer8("http://shop.example/", site);
  Object.assign(browser.document, { body: null, readyState: "loading" });
  browser.evaluate(CLIENT, "sockgate.js");
  browser.evaluate("var rt = Sockgate.connect();");
  browser.pass(1000);
  assert.equal(browser.evaluate("rt.state"), "connected");
});

test("the SockJS iframe page runs, and greets the page around it", () => {
  const posted = [];
  const parent = { postMessage: (...given) => posted.push(given) };
  const href = "http://rt.example/realtime/iframe.html#window1";
  const browser = new InternetExplorer8(href, new FakeSite(), { parent });
  browser.evaluate("_sockjs_onload = function () { SockJS.bootstrap_iframe(); };");
  browser.evaluate(SOCKJS, "sockjs.js");
  browser.pass(100);
  assert.deepEqual(JSON.parse(posted[0][0]), { windowId: "window1", type: "s", data: "" });
  assert.equal(browser.evaluate("SockJS.version"), "1.6.1");
});
