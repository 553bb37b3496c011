/**
 * Settings: the options of the page's script, else the configuration that `{% sockgate_client %}`
 * has written into the page, else defaults.
 */
import { copy } from "../base/own.js";
import { orderOf } from "../base/orders.js";

/**
 * @typedef {Object} Settings
 * @property {string} url  of the gateway
 * @property {boolean} isUrlFixed  the page's script has set it, and a token response does not change it
 * @property {string | null} [token]  a first token, which saves a request
 * @property {number | null} [expiresIn]  lifetime of the first token in seconds
 * @property {string | null} tokenUrl  where to POST for a token; null: nowhere
 * @property {function(function(any, any=): void): void} [getToken]  instead of tokenUrl
 * @property {boolean} [loginRequired]  the page has no login, and the endpoint refuses visitors
 * @property {string | null} grantUrl  where to POST for a grant; null: nowhere
 * @property {function(string, function(any, any=): void): void} [getGrant]  instead of grantUrl
 * @property {Object<string, import("../credentials/grants.js").GrantAnswer>} [grants]  by channel
 * @property {string} transport  see index.js
 * @property {string | string[] | null} [transports]  the only transports that may be used
 * @property {number} fallbackAfterMs  until the next way to connect is tried
 * @property {number} [upgradeAfterMs]  until a WebSocket is tried in the background
 * @property {string | null} [sockjsUrl]  of SockJS's script; default: the gateway's
 * @property {boolean} [shared]  one connection for all tabs
 * @property {string | null} [sharedUrl]  of the script for that
 * @property {{minMs: number, maxMs: number}} reconnect  see backoff.js
 * @property {string} [csrfToken]
 * @property {string | null} csrfCookieName  null: scripts cannot read it
 * @property {string} csrfHeaderName
 * @property {boolean} [autoConnect]  false: not before `rt.connect()`
 * @property {boolean} [debug]  write to the console
 * @property {function(string): void} [log]  instead of the console
 */

/** @type {Object<string, any>} */
const DEFAULTS = {
  url: "/realtime",
  tokenUrl: "/realtime/token/",
  transport: "auto",
  fallbackAfterMs: 1500,
  csrfCookieName: "csrftoken",
  csrfHeaderName: "X-CSRFToken"
};

const RECONNECT = { minMs: 500, maxMs: 30000 };

/**
 * @param {any} options  of `Sockgate.connect`
 * @param {any} page  a window
 * @returns {Settings}
 */
export function readSettings(options, page) {
  const given = options || {};
  if (typeof given !== "object") {
    throw new TypeError("options must be an object");
  }

  /** @type {any} */
  const settings = copy(given, copy(orderOf(page, "client") || {}, copy(DEFAULTS, {})));
  if (settings.grantUrl === undefined) {
    settings.grantUrl = settings.tokenUrl && siblingOf(settings.tokenUrl);
  }
  if (!/^(auto|websocket|sockjs)$/.test(settings.transport)) {
    throw new TypeError('transport must be "auto", "websocket" or "sockjs"');
  }
  settings.isUrlFixed = given.url !== undefined;
  settings.reconnect = copy(given.reconnect || {}, copy(RECONNECT, {}));
  return settings;
}

/** @param {string} tokenUrl */
function siblingOf(tokenUrl) {
  return tokenUrl.replace(/[^\/]*\/?$/, "grant/");
}
