/** Tests of the built files. Run `npm run build` first. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { parse } from "acorn";

import { InternetExplorer8 } from "./ie8/browser.js";
import { FakeSite } from "./ie8/site.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

const CLIENT = read("../dist/sockgate.js");
const FULL = read("../dist/sockgate-full.js");
const SOCKJS = read("../dist/sockjs.js");
const SHARED = read("../dist/sockgate-shared.js");
const STATE = read("../dist/sockgate-state.js");
const TAG = read("../dist/sockgate-tag.js");
const PROGRESS = read("../dist/sockgate-progress.js");
const GUARD = read("../dist/sockgate-guard.js");
const LIVE = read("../dist/sockgate-live.js");
const HTML = read("../dist/sockgate-html.js");
const HTMX = read("../dist/sockgate-htmx.js");
const TURBO = read("../dist/sockgate-turbo.js");
const SOCKJS_OF_DJANGO = read("../dist/sockgate-sockjs.js");

for (const [name, code] of Object.entries({ FULL, SOCKJS })) {
  test(`an ES5 parser accepts ${name}`, () => {
    parse(code, { ecmaVersion: 5, sourceType: "script" });
  });

  test(`${name} uses no reserved word as a property name, which IE8 rejects`, () => {
    assert.doesNotMatch(code, /\.(default|catch|finally|delete|class|import|export|new|for)\b[^\w"']/);
  });
}

test("an ES2017 parser accepts CLIENT, and an ES5 parser does not", () => {
  parse(CLIENT, { ecmaVersion: 2017, sourceType: "script" });
  assert.throws(() => parse(CLIENT, { ecmaVersion: 5 }), SyntaxError);
});

test("nothing of the script is for old browsers only", () => {
  assert.doesNotMatch(CLIENT, /attachEvent|readyState&&|msCrypto/);
  assert.match(FULL, /attachEvent/);
});

for (const name of ["sockgate.mjs", "sockgate.cjs", "sockgate-sockjs.js", "sockgate-shared.js", "shared.mjs", "shared.cjs", "sockgate-state.js", "state.mjs", "state.cjs", "sockgate-htmx.js", "sockgate-turbo.js", "sockgate-tag.js", "tag.mjs", "tag.cjs", "sockgate-guard.js", "sockgate-progress.js", "guard.mjs", "guard.cjs"]) {
  test(`an ES2018 parser accepts ${name}`, () => {
    parse(read(`../dist/${name}`), { ecmaVersion: 2018, sourceType: "module" });
  });
}

for (const name of ["sockgate-live.js", "sockgate-html.js", "live.mjs", "live.cjs"]) {
  test(`an ES2021 parser accepts ${name}`, () => {
    parse(read(`../dist/${name}`), { ecmaVersion: 2021, sourceType: "module" });
  });
}

test("each module has the syntax of a module", () => {
  for (const name of ["sockgate.mjs", "full.mjs", "shared.mjs", "live.mjs", "state.mjs", "tag.mjs", "guard.mjs", "react.mjs", "svelte.mjs", "vue.mjs"]) {
    assert.match(read(`../dist/${name}`), /^(import|export) /m, name);
  }
});

test("the script contains nothing of the API with promises", () => {
  assert.doesNotMatch(CLIENT, /SockgateError|Promise/);
});

test("the ES5 parser rejects newer syntax", () => {
  assert.throws(() => parse("var f = () => 1", { ecmaVersion: 5 }));
});

test("the module has the exports of the script, and can be imported without a browser", async () => {
  const module = await import("../dist/sockgate.mjs");
  assert.deepEqual(Object.keys(module), ["CloseCode", "SockgateError", "connect"]);
});

test("require has the exports of the module", () => {
  const module = createRequire(import.meta.url)("../dist/sockgate.cjs");
  assert.deepEqual(Object.keys(module), ["CloseCode", "SockgateError", "connect"]);
});

test("what is published names no source map and no source", () => {
  const { exports, files } = JSON.parse(read("../package.json"));
  assert.deepEqual(files, ["dist", "!dist/*.map"]);
  assert.ok(!JSON.stringify(exports).includes("./src"));
  for (const name of readdirSync(new URL("../dist", import.meta.url)).filter((name) => /js$/.test(name))) {
    assert.ok(!read(`../dist/${name}`).includes("sourceMappingURL="), name);
  }
});

test("import and require have the types of the source", () => {
  for (const ending of ["ts", "cts"]) {
    assert.equal(read(`../dist/sockgate.d.${ending}`), read("../src/sockgate.d.ts"));
  }
});

test("each entry has types for tools that do not read exports", () => {
  const { exports, typesVersions } = JSON.parse(read("../package.json"));
  const names = Object.keys(exports).filter((name) => name !== "." && JSON.stringify(exports[name]).includes('"types"'));
  assert.deepEqual(Object.keys(typesVersions["*"]).sort(), names.map((name) => name.slice(2)).sort());
});

test("the files that package.json names are built", () => {
  const { main, module, types, unpkg, exports } = JSON.parse(read("../package.json"));
  const entries = [".", "./guard", "./live", "./react", "./shared", "./state", "./svelte", "./tag", "./vue"].flatMap((name) => Object.values(exports[name]));
  const named = [main, module, types, unpkg, ...entries.flatMap((entry) => Object.values(entry))];
  for (const path of named) assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), path);
});

for (const [name, code] of Object.entries({ FULL, SOCKJS })) {
  test(`${name} listens to unload only where there is no pagehide`, () => {
    assert.match(code, /"onpagehide"in \w+\?"pagehide":"unload"/);
    assert.equal(code.match(/"unload"/g).length, 1);
  });
}

const zipped = (code) => gzipSync(code, { level: 9 }).length;

test("the scripts stay small", () => {
  const sizes = [zipped(CLIENT), zipped(CLIENT) + zipped(SOCKJS_OF_DJANGO)];
  assert.ok(zipped(STATE) <= 1600, `${zipped(STATE)} bytes with gzip`);
  assert.ok(zipped(TAG) <= 750, `${zipped(TAG)} bytes with gzip`);
  assert.ok(zipped(PROGRESS) <= 2650, `${zipped(PROGRESS)} bytes with gzip`);
  assert.ok(zipped(GUARD) <= 5400, `${zipped(GUARD)} bytes with gzip`);
  assert.ok(zipped(HTMX) <= 1150 && zipped(TURBO) <= 1150, `${zipped(HTMX)}, ${zipped(TURBO)} bytes with gzip`);
  assert.ok(zipped(LIVE) <= 7200, `${zipped(LIVE)} bytes with gzip`);
  assert.ok(zipped(SHARED) <= 13100, `${zipped(SHARED)} bytes with gzip`);
  assert.ok(sizes[0] <= 9000 && sizes[1] <= 21700, `${sizes} bytes with gzip`);
});

test("the script of Django's SockJS has only the transports of browsers with WebSocket", () => {
  const names = (code) => [...code.matchAll(/transportName="([\w-]+)"/g)].map(([, name]) => name).sort();
  assert.deepEqual(names(SOCKJS_OF_DJANGO), ["eventsource", "websocket", "xhr-polling", "xhr-streaming"]);
  assert.ok(["jsonp-polling", "xdr-polling", "htmlfile"].every((name) => names(SOCKJS).includes(name)));
});

test("the README states the sizes of the scripts", () => {
  const README = read("../README.md");
  for (const [name, code] of Object.entries({ "sockgate.js": CLIENT, "sockgate-full.js": FULL, "sockgate-sockjs.js": SOCKJS_OF_DJANGO, "sockgate-shared.js": SHARED, "sockgate-state.js": STATE, "sockgate-tag.js": TAG, "sockgate-guard.js": GUARD, "sockgate-progress.js": PROGRESS, "sockgate-live.js": LIVE, "sockgate-html.js": HTML, "sockgate-htmx.js": HTMX, "sockgate-turbo.js": TURBO })) {
    const row = README.split("\n").find((line) => line.startsWith(`| \`${name}\``));
    const [, kB, zippedKB] = row.match(/(\d+) kB, (\d+) kB with gzip/);
    assert.ok(Math.abs(code.length / 1000 - kB) < 2, `${name}: ${code.length} bytes`);
    assert.ok(Math.abs(zipped(code) / 1000 - zippedKB) < 1, `${name}: ${zipped(code)} bytes with gzip`);
  }
});

test("Django and the gateway serve the built files", () => {
  assert.equal(read("../../djangoauth/sockgate/static/sockgate/sockgate.js"), CLIENT);
  assert.equal(read("../../gateway/sockgate_gateway/sockjs/static/sockjs.js"), SOCKJS);
  for (const name of ["sockgate-full.js", "sockgate-sockjs.js", "sockgate-shared.js", "sockgate-live.js", "sockgate-html.js", "sockgate-htmx.js", "sockgate-turbo.js", "sockgate-state.js", "sockgate-tag.js", "sockgate-guard.js", "sockgate-progress.js", "sockgate.mjs", "sockgate.d.ts", "badge.js"]) {
    const served = read(`../../djangoauth/sockgate/static/sockgate/${name}`);
    assert.equal(served, read(`../dist/${name}`));
  }
});

// Internet Explorer 8.

const PAGE = `
  var states = "", news = "", rt = Sockgate.connect(options);
  rt.onstate = function (state) { states += state + " "; };
  rt.on("news", function (data) { news += data.title + " "; });
`;

/** Open the page of a site whose gateway is at this URL. */
function visit(url, options = {}, readyState = "complete") {
  const site = new FakeSite();
  site.url = url;
  const browser = new InternetExplorer8("http://shop.example/", site);
  browser.document.readyState = readyState;
  browser.evaluate(FULL, "sockgate-full.js");
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
  test(`the emulated Internet Explorer 8 lacks ${name}`, () => {
    const browser = new InternetExplorer8("http://shop.example/", new FakeSite());
    assert.throws(() => browser.evaluate(`var f = function () {};${name}`));
  });
}

const BY_SCRIPT = { transports: ["jsonp-polling"] };

test("a poll by a script does not hold back the load of its page", () => {
  const { browser, says } = visit("/realtime", BY_SCRIPT, "interactive");
  assert.equal(says("states"), "connecting ");
  browser.document.readyState = "complete";
  browser.pass(100);
  assert.equal(says("states"), "connecting connected ");
});

test("a poll by a script waits for a page that does not load for 3 s", () => {
  const { browser, says } = visit("/realtime", BY_SCRIPT, "interactive");
  browser.pass(2000);
  assert.equal(says("states"), "connecting connected ");
});

const WAYS = [
  ["xhr-polling", "/realtime", { transports: ["xhr-polling"] }],
  ["xdr-streaming", "http://rt.example/realtime", {}],
  ["xdr-polling", "http://rt.example/realtime", { transports: ["xdr-polling"] }],
  ["jsonp-polling", "http://rt.example/realtime", { transports: ["jsonp-polling"] }],
];

for (const [transport, url, options] of WAYS) {
  test(`over ${transport} the client connects with a fetched token`, () => {
    const { site, says } = visit(url, options);
    assert.equal(says("states"), "connecting connected ");
    assert.equal(says("rt.transport"), transport);
    assert.equal(says("rt.user"), "7");
    assert.equal(site.tokensIssued, 1);
    const [{ secret, ...frame }, ...others] = site.connection.received;
    assert.deepEqual([frame, ...others], [{ type: "connect", token: "T1", recover: {} }]);
    assert.match(secret, /^[a-z0-5]{24}$/);
    assert.notEqual(secret, site.connection.id);
    assert.match(site.connection.id, /^[a-z0-5]{24}$/);
  });

  test(`over ${transport} the client receives publications`, () => {
    const { browser, site, says } = visit(url, options);
    for (const title of ["Djangocon", "čau\u2028😀"]) {
      site.connection.send({ channel: "user:7", data: { event: "news", data: { title } } });
    }
    browser.pass(1000);
    assert.equal(says("news"), "Djangocon čau\u2028😀 ");
  });

  test(`over ${transport} the client reconnects with the same token`, () => {
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

  test(`over ${transport} the client does not reconnect when the login has ended`, () => {
    const { browser, site, says } = visit(url, options);
    site.connection.close(4500, "session ended");
    browser.pass(1000);
    const requests = site.requests.length;
    browser.pass(1e6);
    assert.equal(says("rt.state"), "closed");
    assert.equal(site.requests.length, requests);
  });
}

for (const [transport, url, options] of WAYS) {
  test(`over ${transport} no URL contains a token or the secret of a session`, () => {
    const { site } = visit(url, options);
    const { secret } = site.connection.received[0];
    for (const { url } of site.requests) {
      assert.ok(!url.href.includes("T1") && !url.href.includes(secret), url.href);
    }
  });
}

test("with Django's configuration, the script for old browsers connects, and loads nothing", () => {
  const site = new FakeSite();
  const browser = new InternetExplorer8("http://shop.example/", site);
  browser.document.configure({ sockjsUrl: "/static/sockgate/sockgate-sockjs.js" });
  browser.evaluate(FULL, "sockgate-full.js");
  browser.evaluate(`var options = {};${PAGE}`);
  browser.pass(2000);
  assert.equal(browser.evaluate("states"), "connecting connected ");
  assert.equal(browser.evaluate("rt.transport"), "xdr-streaming");
});

test("the token in the page saves the request for a token", () => {
  const site = new FakeSite();
  const browser = new InternetExplorer8("http://shop.example/", site);
  browser.document.configure({ url: "/realtime", token: "of-the-page", expiresIn: 3600 });
  browser.evaluate(FULL, "sockgate-full.js");
  browser.evaluate("var rt = Sockgate.connect({ debug: true });");
  browser.pass(2000);
  assert.equal(site.connection.received[0].token, "of-the-page");
  assert.equal(site.tokensIssued, 0);
});

test("a script that runs in the head, before there is a body, connects", () => {
  const site = new FakeSite();
  const browser = new InternetExplorer8("http://shop.example/", site);
  Object.assign(browser.document, { body: null, readyState: "loading" });
  browser.evaluate(FULL, "sockgate-full.js");
  browser.evaluate("var rt = Sockgate.connect();");
  browser.pass(1000);
  assert.equal(browser.evaluate("rt.state"), "connected");
});

test("the SockJS iframe page runs, and posts its first message to its parent", () => {
  const posted = [];
  const parent = { postMessage: (...args) => posted.push(args) };
  const href = "http://rt.example/realtime/iframe.html#window1";
  const browser = new InternetExplorer8(href, new FakeSite(), { parent });
  browser.evaluate("_sockjs_onload = function () { SockJS.bootstrap_iframe(); };");
  browser.evaluate(SOCKJS, "sockjs.js");
  browser.pass(100);
  assert.deepEqual(JSON.parse(posted[0][0]), { windowId: "window1", type: "s", data: "" });
  assert.equal(browser.evaluate("SockJS.version"), "1.6.1");
});
