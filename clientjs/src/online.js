/**
 * The browser's events about the network and the page's sleep.
 */
import { isForOldBrowsers } from "./age.js";

/**
 * @typedef {function("offline" | "online" | "wake"): void} Watcher
 *     "offline": the network is gone, or the page goes to sleep; "online": the network is back, or the
 *     page is; "wake": timers may have been suspended
 */

/**
 * @constructor
 * @param {any} page  a window
 */
export function Network(page) {
  this._page = page;
}

/** @returns {boolean} false only if the browser says so */
Network.prototype.isOnline = function () {
  return this._page.navigator.onLine !== false;
};

/**
 * Call a watcher on each event.
 *
 * @param {Watcher} watcher
 * @returns {function(): void} stops the calls, so that the watcher can be freed
 */
Network.prototype.watch = function (watcher) {
  var listeners = this._listeners(watcher);
  each(listeners, addListener);
  return function () {
    each(listeners, removeListener);
  };
};

/** @typedef {[target: any, event: string, listener: function(any): void]} Listener */

/**
 * @param {Watcher} watcher
 * @returns {Listener[]}
 */
Network.prototype._listeners = function (watcher) {
  var page = this._page;
  function offline() {
    watcher("offline");
  }
  function online() {
    watcher("online");
  }
  function wake() {
    watcher("wake");
  }
  if (isForOldBrowsers && !page.addEventListener) {
    // IE8 dispatches these events on the body, later versions on the window.
    var target = page.document.body || page;
    return [
      [target, "offline", offline],
      [target, "online", online]
    ];
  }
  return [
    [page, "offline", offline],
    [page, "online", online],
    // An open connection would keep the page out of the back/forward cache.
    [page, "pagehide", ifPersisted(offline)],
    [page, "pageshow", ifPersisted(online)],
    [page.document, "resume", wake],
    [page.document, "visibilitychange", ifVisible(page, wake)]
  ];
};

/**
 * @param {Listener[]} listeners
 * @param {function(any, string, function(any): void): void} act
 */
function each(listeners, act) {
  for (var i = 0; i < listeners.length; i++) {
    act(listeners[i][0], listeners[i][1], listeners[i][2]);
  }
}

/**
 * @param {any} target
 * @param {string} event
 * @param {function(any): void} listener
 */
function addListener(target, event, listener) {
  if (!isForOldBrowsers || target.addEventListener) {
    target.addEventListener(event, listener, false);
  } else if (target.attachEvent) {
    target.attachEvent("on" + event, listener);
  }
}

/**
 * @param {any} target
 * @param {string} event
 * @param {function(any): void} listener
 */
function removeListener(target, event, listener) {
  if (!isForOldBrowsers || target.removeEventListener) {
    target.removeEventListener(event, listener, false);
  } else if (target.detachEvent) {
    target.detachEvent("on" + event, listener);
  }
}

/** @param {function(): void} callback */
function ifPersisted(callback) {
  return function (/** @type {{persisted: boolean}} */ event) {
    if (event.persisted) {
      callback();
    }
  };
}

/**
 * @param {any} page
 * @param {function(): void} callback
 */
function ifVisible(page, callback) {
  return function () {
    if (page.document.visibilityState === "visible") {
      callback();
    }
  };
}
