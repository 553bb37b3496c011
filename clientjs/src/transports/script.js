/**
 * Scripts of their own, which are loaded when a page needs them: SockJS, and the connection for all tabs.
 */

/**
 * @typedef {import("../socket.js").SockJSLike} SockJSLike
 *
 * @typedef {function(string, string[]): SockJSLike} OpenSockJS  opens a URL with these transports
 *
 * @typedef {function(string, any, function(OpenSockJS | null): void): void} LoadSockJS
 *     receives the URL of the script, the page and a callback; null: it cannot be loaded
 */

/** @type {LoadSockJS} */
export function loadSockJS(url, page, callback) {
  loadScript(url, page, "SockgateSockJS", callback);
}

/**
 * Load a script, unless it was loaded before.
 *
 * @param {string | null | undefined} url
 * @param {any} page
 * @param {string} name  of the global that it defines
 * @param {function(any): void} callback  receives the global; null: the script cannot be loaded
 */
export function loadScript(url, page, name, callback) {
  var document = page.document;
  if (page[name] || !url || !document.createElement) {
    return callback(page[name] || null);
  }
  var script = document.createElement("script");
  script.onload = script.onerror = script.onreadystatechange = function () {
    // Only IE8 has a readyState.
    if (!script.readyState || /loaded|complete/.test(script.readyState)) {
      script.onload = script.onerror = script.onreadystatechange = null;
      callback(page[name] || null);
    }
  };
  setNonce(script, document);
  script.src = url;
  document.getElementsByTagName("head")[0].appendChild(script);
}

// Where the page's policy has a nonce, the script needs it, too. Browsers hide the attribute from
// style sheets, but not the property from scripts.
/**
 * @param {HTMLScriptElement} script
 * @param {Document} document
 */
function setNonce(script, document) {
  var scripts = document.getElementsByTagName("script");
  for (var i = 0; i < scripts.length && !script.nonce; i++) {
    if (scripts[i].nonce) {
      script.nonce = scripts[i].nonce;
    }
  }
}
