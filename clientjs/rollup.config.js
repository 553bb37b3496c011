/**
 * dist/sockgate.js         for a script tag: the global `Sockgate`, which loads SockJS when needed
 * dist/sockgate-sockjs.js  SockJS for that, from Django's static files: the global `SockgateSockJS`
 * dist/sockgate-shared.js  one connection for all tabs: loaded with `shared: true`, and by its worker
 * dist/sockgate-live.js    for a script tag: the global `SockgateLive`, for Django's `{% live %}`
 * dist/sockgate-html.js    for a script tag, beside that one: shows what `publish_html` pushes
 * dist/sockgate-htmx.js    for a script tag: the htmx extension `sockgate`
 * dist/sockgate-turbo.js   for a script tag: the element `sockgate-stream-source`, a source of Turbo Streams
 * dist/sockgate-state.js   for a script tag: the global `SockgateState`, which loads the state of a channel
 * dist/sockgate-tag.js     for a script tag: the global `SockgateTag`, which names the connection in requests
 * dist/sockgate-guard.js   for a script tag: guards the login of the page; the global `SockgateGuard`
 * dist/sockgate-progress.js  for a script tag: the bars of `{% task_progress %}`
 * dist/sockgate-full.js    for a script tag, SockJS inside, for browsers without WebSocket, from IE8 on
 * dist/sockgate.mjs        for `import`, with or without a bundler; loads SockJS when needed
 * dist/full.mjs            for `import "sockgate/full"`, SockJS inside
 * dist/sockjs.js           SockJS from the gateway, also for its iframe: the globals `SockJS` and
 *                          `SockgateSockJS`
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, resolve as resolvePath } from "node:path";

import commonjs from "@rollup/plugin-commonjs";
import resolve from "@rollup/plugin-node-resolve";
import { minify } from "terser";
import uglify from "uglify-js";

import { INTERNAL_OF_LIVE, forModernBrowsers, forOldBrowsers, smallest } from "./modern.js";
import { sockjsPatches } from "./sockjspatches.js";

/** Only on request, and never in what is published: `SOURCE_MAPS=yes npm run build`. */
const MAPS = Boolean(process.env.SOURCE_MAPS);

const BANNER = "/*! Sockgate, BSD-3-Clause. */";

const BANNER_WITH_SOCKJS = `/*!
 * Sockgate, BSD-3-Clause. Contains:
 * sockjs-client 1.6.1, MIT, (c) 2011-2018 The SockJS-client Authors
 * url-parse, querystringify, requires-port, MIT, (c) 2015 Unshift.io, Arnout Kazemier
 * inherits, ISC, (c) Isaac Z. Schlueter
 */`;

/** Remove sockjs-client's debugging code, which does not run in old browsers. */
const forProduction = {
  name: "for-production",
  transform: (code, id) =>
    id.includes("sockjs-client")
      ? { code: code.replaceAll("process.env.NODE_ENV", '"production"'), map: null }
      : null,
};

/**
 * Half of sockjs-client is of no use to a browser that has WebSocket: transports of old ones, the iframe
 * for those across origins, additions to the language, a parser of URLs.
 */
const LEFT_OUT = {
  "shims.js": "{}",
  "transport-list.js": `[
    require("./transport/websocket"),
    require("./transport/xhr-streaming"),
    require("./transport/eventsource"),
    require("./transport/xhr-polling")
  ]`,
  "iframe-bootstrap.js": "function () {}",
  "info-iframe.js": "{ enabled: function () {} }",
  "transport/sender/xdr.js": "{}",
  "transport/sender/xhr-fake.js": "{}",
};
const forBrowsersWithWebSocket = {
  name: "for-browsers-with-websocket",
  resolveId: (source) => (source === "url-parse" ? resolvePath("src/transports/sockjs/url.js") : null),
  load: (id) => {
    const replacement = LEFT_OUT[id.split("sockjs-client/lib/")[1]];
    return replacement ? `module.exports = ${replacement};` : null;
  },
};

/** `ie8` quotes reserved words and avoids bugs of JScript. */
const minified = (options = {}) => ({
  name: "minified",
  renderChunk(code) {
    const output = { comments: /^!/ };
    const result = uglify.minify(code, { ie8: true, output, sourceMap: true, ...options });
    if (result.error) throw result.error;
    return { code: result.code, map: result.map };
  },
});

/**
 * Names that nothing outside of a script uses: no frame, no option, no browser, no other script. They
 * are shortened. A name that two scripts share must not be here, such as `emit`, which badge.js replaces,
 * and what transports/starter.js uses of the script that it loads.
 */
const INTERNAL = [
  "_.*",
  ...("answered asked attach attachment backoff begin cancel canFetch Client clock confirm detach " +
    "dispatch dispatchAfter drop emitTo enter events expectHeartbeats fail failure failures " +
    "floorMs forget frame grantSource handle isAtHand isDead isExpected isFinal isOnline " +
    "isOnRequest isPingDue isRejected isRequested isServerSide isSubscribed isUrlFixed joined " +
    "keep leave listener liveness makeBackoff makeOpener measure measured mustAsk network next " +
    "nextCheckMs parts positions post prefetch publication put received refreshed refusals " +
    "refused reject release renew report requests reset retry setDeadline settle socket spreadMs start " +
    "subscribed Subscription subscriptions take tokens until wasRefused watch").split(" "),
];
const SMALL = {
  compress: { passes: 3, keep_fargs: false, pure_getters: true },
  mangle: { properties: { regex: /^(_.*|isProven|patienceMs)$/ } },
};

const types = {
  name: "types",
  writeBundle() {
    for (const ending of ["ts", "cts"]) {
      copyFileSync("src/sockgate.d.ts", `dist/sockgate.d.${ending}`);
    }
  },
};

/** The types of the other modules import each other and those of the client, which all lie in dist. */
const hookTypes = (folder, ...names) => ({
  name: "hook-types",
  writeBundle() {
    for (const name of names) {
      const code = readFileSync(`src/${folder}/${name}.d.ts`, "utf8").replaceAll(/"(\.\.\/)+/g, '"./');
      writeFileSync(`dist/${name}.d.ts`, code);
      writeFileSync(`dist/${name}.d.cts`, code.replaceAll(/"(\.\/\w+)\.js"/g, '"$1.cjs"'));
    }
  },
});

/** `sockgate/shared` exports nothing. */
const sharedTypes = {
  name: "shared-types",
  writeBundle() {
    for (const ending of ["ts", "cts"]) writeFileSync(`dist/shared.d.${ending}`, "export {};\n");
  },
};

const withSockJS = (leftOut) => [
  forProduction,
  sockjsPatches(leftOut),
  resolve({ browser: true, preferBuiltins: false }),
  // A namespace object would need Object.defineProperty, which IE8 lacks.
  commonjs({ requireReturnsDefault: (id) => /\/src\/(credentials\/secrets|transports\/sockjs\/url)\.js$/.test(id) }),
];

const plugins = withSockJS();

/** What rollup adds is ES5, too. */
const es5 = {
  esModule: false,
  externalLiveBindings: false,
  freeze: false,
  generatedCode: "es5",
};

const script = (name, file, options = {}) => ({
  ...es5,
  banner: BANNER_WITH_SOCKJS,
  file,
  name,
  format: "iife",
  plugins: [minified()],
  sourcemap: MAPS,
  ...options,
});

const modules = (name, banner) => [
  { ...es5, banner, file: `dist/${name}.mjs`, format: "es", sourcemap: MAPS },
  { ...es5, banner, file: `dist/${name}.cjs`, format: "cjs", sourcemap: MAPS },
];

/** Browsers since 2021. */
const smallModern = {
  name: "small-modern",
  async renderChunk(code) {
    return minify(code, {
      ecma: 2021,
      module: true,
      compress: {
        ecma: 2021,
        hoist_funs: true,
        keep_fargs: false,
        lhs_constants: false,
        passes: 3,
        pure_getters: true,
        unsafe: true,
        unsafe_arrows: true,
        unsafe_methods: true,
      },
      mangle: { properties: { regex: new RegExp(`^(${INTERNAL_OF_LIVE.join("|")})$`), builtins: true } },
      format: { ecma: 2021, comments: /^!/ },
    });
  },
};

const PRIVATE_NAMES = { mangle: { properties: { regex: /^_/ } } };

/** A script for pages, beside the core: ES2018. */
function pageScript(folder, name, options = {}) {
  return {
    input: `src/${folder}/index.js`,
    output: {
      banner: BANNER,
      file: `dist/sockgate-${basename(folder)}.js`,
      name,
      format: "iife",
      plugins: [minified({ ie8: false, ...options })],
    },
  };
}

/** The same for bundlers; `options` are those of the ES module. */
function modulesOf(folder, input, types, options = {}) {
  return {
    input: `src/${folder}/${input}.js`,
    plugins: [types],
    output: [
      { banner: BANNER, file: `dist/${basename(folder)}.mjs`, format: "es", ...options },
      { banner: BANNER, file: `dist/${basename(folder)}.cjs`, format: "cjs" },
    ],
  };
}

export default [
  {
    input: "src/index.js",
    plugins: [forModernBrowsers],
    output: script("Sockgate", "dist/sockgate.js", {
      banner: BANNER,
      strict: false,
      plugins: [smallest(new RegExp(`^(${INTERNAL.join("|")})$`))],
    }),
  },
  { input: "src/full.js", plugins: [...plugins, forOldBrowsers], output: script("Sockgate", "dist/sockgate-full.js") },
  // With promises and loops: ES2018.
  { input: "src/async/index.js", plugins: [types], output: modules("sockgate", BANNER) },
  { input: "src/async/full.js", plugins, output: modules("full", BANNER_WITH_SOCKJS) },
  {
    input: "src/transports/sockjs/ways.js",
    plugins: [forBrowsersWithWebSocket, ...withSockJS(Object.keys(LEFT_OUT))],
    output: script("SockgateSockJS", "dist/sockgate-sockjs.js", {
      plugins: [minified(SMALL)],
      sourcemap: false,
    }),
  },
  // The first is the script of a SharedWorker, too.
  pageScript("shared", "SockgateShared", PRIVATE_NAMES),
  pageScript("state", "SockgateState", PRIVATE_NAMES),
  pageScript("page/tag", "SockgateTag"),
  pageScript("frameworks/htmx", "SockgateHtmx"),
  pageScript("frameworks/turbo", "SockgateTurbo", PRIVATE_NAMES),
  pageScript("page/guard", "SockgateGuard", PRIVATE_NAMES),
  // Its element needs a browser of 2018.
  { ...pageScript("page/progress", "SockgateProgress", PRIVATE_NAMES), plugins: [forModernBrowsers] },
  // Without an export, tools take a module for a script.
  modulesOf("shared", "module", sharedTypes, { footer: "export {};" }),
  modulesOf("state", "index", hookTypes("state", "state")),
  modulesOf("page/tag", "index", hookTypes("page/tag", "tag")),
  modulesOf("page/guard", "module", hookTypes("page/guard", "guard")),
  {
    input: "src/page/live/index.js",
    plugins: [forModernBrowsers],
    output: {
      banner: BANNER,
      file: "dist/sockgate-live.js",
      name: "SockgateLive",
      format: "iife",
      plugins: [smallModern],
    },
  },
  {
    input: "src/page/html/index.js",
    plugins: [forModernBrowsers],
    output: { banner: BANNER, file: "dist/sockgate-html.js", format: "iife", plugins: [smallModern] },
  },
  {
    input: "src/page/live/module.js",
    plugins: [hookTypes("page/live", "live")],
    output: [
      { banner: BANNER, file: "dist/live.mjs", format: "es" },
      { banner: BANNER, file: "dist/live.cjs", format: "cjs" },
    ],
  },
  ...["react", "vue", "svelte"].map((name) => ({
    input: `src/frameworks/${name}.js`,
    external: [name, `${name}/store`],
    plugins: [hookTypes("frameworks", name, "hooks")],
    output: [
      { file: `dist/${name}.mjs`, format: "es", sourcemap: MAPS },
      { file: `dist/${name}.cjs`, format: "cjs", sourcemap: MAPS },
    ],
  })),
  // For pages in DEBUG: not minified.
  { input: "src/page/badge/index.js", output: { ...es5, banner: BANNER, file: "dist/badge.js", format: "iife" } },
  {
    input: "src/transports/sockjs/gateway.js",
    plugins: [...plugins, forOldBrowsers],
    output: script("SockJS", "dist/sockjs.js", { sourcemap: false }),
  },
];
