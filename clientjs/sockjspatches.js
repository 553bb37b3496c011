/**
 * Patches for sockjs-client 1.6.1: for each file, texts and their replacements. The build fails if
 * a text is missing.
 */
import { fileURLToPath } from "node:url";

const secrets = `require(${JSON.stringify(fileURLToPath(new URL("src/credentials/secrets.js", import.meta.url)))})`;

/**
 * An EventSource that has never opened found no server. sockjs-client treats that as the end of a
 * response, and retries five times a second without notifying the page.
 */
const NOTICE_MISSING_SERVER = {
  "transport/receiver/eventsource.js": [
    ["(es.readyState !== 2 ?", "(self.hasOpened && es.readyState !== 2 ?"],
    [
      "es.onmessage = function",
      "es.onopen = function() { self.hasOpened = true; };\n  es.onmessage = function",
    ],
  ],
};

/**
 * Chromium keeps a page with an `unload` listener out of the back/forward cache. Listen to
 * `pagehide` where there is one, and ignore it when the page may come back (`persisted`): SockJS
 * closes every later connection at once when it believes that the page has been unloaded.
 */
const ALLOW_PAGE_CACHE = {
  "utils/event.js": [
    [
      "var unloadTriggered = function() {",
      "var unloadTriggered = function(event) {\n  if (event && event.persisted) return;",
    ],
    ["attachEvent('unload', ", "attachEvent('onpagehide' in global ? 'pagehide' : 'unload', "],
  ],
};

/** A session has a secret, which its requests carry outside of the URL (secrets.js). */
const BIND_SESSIONS = {
  "main.js": [
    [
      "this._timeout = options.timeout || 0;",
      "this._timeout = options.timeout || 0;\n  this._makeSecret = options.secret;",
    ],
    [
      "var transportObj = new Transport(",
      `this.address = transportUrl;
    this.secret = ${secrets}.begin(this, transportUrl, this._makeSecret && this._makeSecret());
    var transportObj = new Transport(`,
    ],
    [
      "SockJS.prototype._close = function(code, reason, wasClean) {",
      `SockJS.prototype._close = function(code, reason, wasClean) {\n  ${secrets}.end(this);`,
    ],
  ],
  "transport/receiver/xhr.js": [
    ["new AjaxObject('POST', url, null)", `new AjaxObject('POST', url, ${secrets}.bodyFor(url))`],
  ],
  "transport/receiver/eventsource.js": [
    ["new EventSourceDriver(url)", `new EventSourceDriver(${secrets}.ticketed(url))`],
  ],
  "transport/receiver/htmlfile.js": [
    ["url = urlUtils.addQuery(url,", `url = urlUtils.addQuery(${secrets}.ticketed(url),`],
  ],
  "transport/receiver/jsonp.js": [
    [
      "var urlWithId = urlUtils.addQuery(url,",
      `var urlWithId = urlUtils.addQuery(${secrets}.ticketed(url),`,
    ],
  ],
  // The page's session is opened in the iframe, by a sockjs-client of its own.
  "transport/iframe.js": [
    [", this.baseUrl\n    ]));", `, this.baseUrl\n    , ${secrets}.secretOf(this.transUrl)\n    ]));`],
  ],
  "iframe-bootstrap.js": [
    ["var baseUrl = p[3];", `var baseUrl = p[3];\n        ${secrets}.begin({}, transUrl, p[4]);`],
  ],
};

/**
 * A script that waits for its answer holds back the page's `load` event, for up to 25 s. So polls after
 * the first one, which is answered at once, begin when the page has loaded, or after 3 s: the gateway
 * ends a session that does not poll for 5 s.
 */
const LET_PAGES_LOAD = {
  "transport/receiver/jsonp.js": [
    [
      "  this._createScript(urlWithId);",
      `  this.isFirst = JsonpReceiver.lastUrl !== url;
  JsonpReceiver.lastUrl = url;
  this._createScript(urlWithId);`,
    ],
    [
      `    script.parentNode.removeChild(script);
    script.onreadystatechange`,
      `    if (script.parentNode) script.parentNode.removeChild(script);
    script.onreadystatechange`,
    ],
    [
      `  var head = global.document.getElementsByTagName('head')[0];
  head.insertBefore(script, head.firstChild);
  if (script2) {
    head.insertBefore(script2, head.firstChild);
  }
`,
      `  insert(this.isFirst ? 0 : 60);
  function insert(tries) {
    if (self.script !== script) return;
    if (tries && /^(loading|interactive)$/.test(global.document.readyState)) {
      return setTimeout(function() { insert(tries - 1); }, 50);
    }
    var head = global.document.getElementsByTagName('head')[0];
    head.insertBefore(script, head.firstChild);
    if (script2) {
      head.insertBefore(script2, head.firstChild);
    }
  }
`,
    ],
  ],
};

const PATCHES = [NOTICE_MISSING_SERVER, ALLOW_PAGE_CACHE, BIND_SESSIONS, LET_PAGES_LOAD];

/**
 * A plugin of rollup.
 *
 * @param {string[]} leftOut  files that the build replaces
 */
export const sockjsPatches = (leftOut = []) => ({
  name: "sockjs-patches",
  transform(code, id) {
    const file = id.split("sockjs-client/lib/")[1];
    const replacements = PATCHES.flatMap((patch) => patch[file] ?? []);
    if (!replacements.length || leftOut.includes(file)) return null;
    for (const [found, replacement] of replacements) {
      if (code.split(found).length !== 2) this.error(`${file}: not as expected: ${found}`);
      code = code.replace(found, () => replacement);
    }
    return { code, map: null };
  },
});
