/**
 * dist/sockgate.js   for a script tag: the global `Sockgate`, sockjs-client inside, IE8 and up
 * dist/sockgate.mjs  for `import`, with or without a bundler: sockjs-client inside, too
 * dist/sockjs.js     sockjs-client alone: the global `SockJS`, for the SockJS iframe page
 */
import { copyFileSync } from "node:fs";

import commonjs from "@rollup/plugin-commonjs";
import resolve from "@rollup/plugin-node-resolve";
import uglify from "uglify-js";

const BANNER = `/*!
 * Sockgate, BSD-3-Clause. Contains:
 * sockjs-client 1.6.1, MIT, (c) 2011-2018 The SockJS-client Authors
 * url-parse, querystringify, requires-port, MIT, (c) 2015 Unshift.io, Arnout Kazemier
 * inherits, ISC, (c) Isaac Z. Schlueter
 */`;

/** Leave sockjs-client's debugging out: it is not written for old browsers. */
const forProduction = {
  name: "for-production",
  transform: (code, id) =>
    id.includes("sockjs-client")
      ? { code: code.replaceAll("process.env.NODE_ENV", '"production"'), map: null }
      : null,
};

/**
 * An EventSource that has never opened found no server. sockjs-client takes that for the end of
 * a response, and asks again five times a second without a word to the page.
 */
const noticeMissingServer = {
  name: "notice-missing-server",
  transform(code, id) {
    if (!id.endsWith("sockjs-client/lib/transport/receiver/eventsource.js")) return null;
    const [question, handler] = ["(es.readyState !== 2 ?", "es.onmessage = function"];
    if (!code.includes(question) || !code.includes(handler)) this.error("not as expected");
    return {
      code: code
        .replace(question, "(self.hasOpened && es.readyState !== 2 ?")
        .replace(handler, `es.onopen = function() { self.hasOpened = true; };\n  ${handler}`),
      map: null,
    };
  },
};

/** `--ie8` quotes reserved words and keeps clear of JScript's mistakes. */
const forInternetExplorer = {
  name: "for-internet-explorer",
  renderChunk(code) {
    const result = uglify.minify(code, { ie8: true, output: { comments: /^!/ }, sourceMap: true });
    if (result.error) throw result.error;
    return { code: result.code, map: result.map };
  },
};

const types = {
  name: "types",
  writeBundle: () => copyFileSync("src/sockgate.d.ts", "dist/sockgate.d.ts"),
};

const plugins = [
  forProduction,
  noticeMissingServer,
  resolve({ browser: true, preferBuiltins: false }),
  commonjs(),
];

/** What rollup adds must be as old as the rest. */
const es5 = {
  banner: BANNER,
  esModule: false,
  externalLiveBindings: false,
  freeze: false,
  generatedCode: "es5",
};

const script = (name, file, sourcemap) => ({
  ...es5,
  file,
  name,
  format: "iife",
  plugins: [forInternetExplorer],
  sourcemap,
});

export default [
  {
    input: "src/index.js",
    plugins: [...plugins, types],
    output: [
      script("Sockgate", "dist/sockgate.js", true),
      { ...es5, file: "dist/sockgate.mjs", format: "es" },
    ],
  },
  { input: "sockjs-client", plugins, output: script("SockJS", "dist/sockjs.js", false) },
];
