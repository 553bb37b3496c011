/**
 * Settings: what the page's script asks for, else what `{% sockgate_client %}` wrote into the
 * page, else the defaults.
 */

var CONFIG_ID = "sockgate-config";

/**
 * @typedef {Object} Settings
 * @property {string} url  of the gateway
 * @property {boolean} isUrlFixed  the page's script gave it, so that no token's answer moves it
 * @property {string | null} [token]  a first token, which saves a request
 * @property {number | null} [expiresIn]  seconds that the first token is good for
 * @property {string | null} tokenUrl  where to POST for one; null: nowhere
 * @property {function(function(any, any=): void): void} [getToken]  instead of tokenUrl
 * @property {string | null} grantUrl  where to POST for a grant; null: nowhere
 * @property {function(string, function(any, any=): void): void} [getGrant]  instead of grantUrl
 * @property {string | string[] | null} [transports]  SockJS transports that may be used
 * @property {{minMs: number, maxMs: number}} reconnect  see backoff.js
 * @property {string} [csrfToken]
 * @property {string | null} csrfCookieName  null: scripts cannot read it
 * @property {string} csrfHeaderName
 * @property {boolean} [debug]  write to the console
 * @property {function(string): void} [log]  instead of the console
 */

/** @type {Object<string, any>} */
var DEFAULTS = {
  url: "/realtime",
  tokenUrl: "/realtime/token/",
  csrfCookieName: "csrftoken",
  csrfHeaderName: "X-CSRFToken"
};

var RECONNECT = { minMs: 500, maxMs: 30000 };

/**
 * @param {any} options  of `Sockgate.connect`
 * @param {Document} document
 * @returns {Settings}
 */
export function readSettings(options, document) {
  var given = options || {};
  /** @type {any} */
  var settings = {};
  copy(DEFAULTS, settings);
  copy(pageConfig(document), settings);
  copy(given, settings);
  if (settings.grantUrl === undefined) {
    settings.grantUrl = settings.tokenUrl && siblingOf(settings.tokenUrl);
  }
  settings.isUrlFixed = given.url !== undefined;
  settings.reconnect = copy(given.reconnect || {}, copy(RECONNECT, {}));
  return settings;
}

/** @param {string} tokenUrl */
function siblingOf(tokenUrl) {
  return tokenUrl.replace(/[^\/]*\/?$/, "grant/");
}

/** @param {Document} document */
function pageConfig(document) {
  var script = document.getElementById(CONFIG_ID);
  return script ? JSON.parse(/** @type {HTMLScriptElement} */ (script).text) : {};
}

/**
 * Copy what is set.
 *
 * @param {Object<string, any>} source
 * @param {Object<string, any>} target
 * @returns {any} the target
 */
function copy(source, target) {
  for (var name in source) {
    if (Object.prototype.hasOwnProperty.call(source, name) && source[name] !== undefined) {
      target[name] = source[name];
    }
  }
  return target;
}
