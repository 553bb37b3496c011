/**
 * The ways to connect, the cheapest first: the gateway's raw WebSocket, then SockJS's WebSocket, its
 * streams, and polling. All proxies let the last one through.
 */

/**
 * @typedef {"shared" | "raw" | "websocket" | "streaming" | "polling"} WayName
 *
 * @typedef {Object} Way
 * @property {WayName} name
 * @property {string[]} transports  of SockJS; unused for "raw" and "shared"
 * @property {number} [patienceMs]  wait until the next way starts
 *
 * @typedef {Object} WaySettings
 * @property {string} transport  "auto", "websocket" or "sockjs"
 * @property {string | string[] | null} [transports]  the only ones that may be used
 */

/** Transports with the names of sockjs-client. @type {Way[]} */
export const WAYS = [
  { name: "raw", transports: ["websocket"] },
  { name: "websocket", transports: ["websocket"] },
  {
    name: "streaming",
    transports: ["xhr-streaming", "xdr-streaming", "eventsource", "iframe-eventsource", "htmlfile", "iframe-htmlfile"]
  },
  {
    name: "polling",
    transports: ["xhr-polling", "xdr-polling", "iframe-xhr-polling", "jsonp-polling"]
  }
];

/**
 * The ways that settings and browser allow.
 *
 * @param {WaySettings} settings
 * @param {boolean} hasWebSocket
 * @returns {Way[]}
 */
export function waysOf(settings, hasWebSocket) {
  const mode = settings.transport;
  const ways = [];
  for (let i = 0; i < WAYS.length; i++) {
    const transports = allowed(WAYS[i].transports, settings.transports, hasWebSocket);
    const isUsed = mode === "auto" || (WAYS[i].name === "raw") === (mode === "websocket");
    if (transports.length && isUsed) {
      ways.push({ name: WAYS[i].name, transports });
    }
  }
  return ways;
}

/**
 * Put one way first.
 *
 * @param {Way[]} ways
 * @param {string | null} name
 * @returns {Way[]}
 */
export function startingWith(ways, name) {
  /** @type {Way[]} */
  const first = [];
  /** @type {Way[]} */
  const others = [];
  for (let i = 0; i < ways.length; i++) {
    (ways[i].name === name ? first : others).push(ways[i]);
  }
  return first.concat(others);
}

/**
 * @param {string[]} transports
 * @param {string | string[] | null | undefined} wanted
 * @param {boolean} hasWebSocket
 */
function allowed(transports, wanted, hasWebSocket) {
  // Commas around each name, because IE8 has no `indexOf` of arrays.
  const names = wanted && wanted.length ? "," + wanted + "," : "";
  const left = [];
  for (let i = 0; i < transports.length; i++) {
    const isWanted = !names || names.indexOf("," + transports[i] + ",") !== -1;
    if (isWanted && (hasWebSocket || transports[i] !== "websocket")) {
      left.push(transports[i]);
    }
  }
  return left;
}
