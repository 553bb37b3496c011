/**
 * The source is ES2018. The small script is for browsers of 2018 and later; sockgate-full.js, and the
 * SockJS that the gateway serves, are ES5, which Babel makes of it.
 */
import { babel } from "@rollup/plugin-babel";
import { minify } from "terser";

/** Leave out what only old browsers need. */
export const forModernBrowsers = {
  name: "for-modern-browsers",
  transform: (code, id) => (id.endsWith("/src/base/age.js") ? { code: code.replace("true", "false"), map: null } : null),
};

/** ES5 for browsers from IE8 on, which lack accessors and cannot define properties. */
export const forOldBrowsers = babel({
  babelHelpers: "bundled",
  babelrc: false,
  configFile: false,
  include: ["src/**"],
  // Loose: without accessors, and without Object.defineProperty, which IE8 has for elements only.
  presets: [["@babel/preset-env", { targets: "ie 8", modules: false, loose: true, exclude: ["transform-typeof-symbol"] }]],
});

/** Names of properties that nothing outside of the script uses: no frame, no data block, no browser, no other script (a bar has `follow`). `internal.js` checks them. */
export const INTERNAL_OF_LIVE = (
  "all answered at away bound check data element emit ended followAll fragments heldIn inner isAnswered isBusy isEnded isGenuine isGone know lacksAny noteTouch parts refresh refused refusals renew request " +
  "rescan room schedule script seen setIn stated stop subscribed whole why widestMs"
).split(" ");

/** @param {RegExp} internal  names of properties to shorten */
export const smallest = (internal) => ({
  name: "smallest",
  async renderChunk(code) {
    const { code: small, map } = await minify(code, {
      ecma: 2017,
      compress: {
        ecma: 2017,
        passes: 4,
        keep_fargs: false,
        pure_getters: true,
        inline: 2,
        lhs_constants: false,
        unsafe: true,
        unsafe_arrows: true,
        unsafe_methods: true,
      },
      mangle: { properties: { regex: internal, builtins: true } },
      format: { ecma: 2017, comments: /^!/ },
      sourceMap: true,
    });
    return { code: small, map };
  },
});
