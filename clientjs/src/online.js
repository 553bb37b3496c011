/**
 * What the browser knows of the network and of the page's sleep.
 */

/**
 * @typedef {Object} Watcher
 * @property {function(): void} offline  the network is gone, or the page goes to sleep
 * @property {function(): void} online  it is back
 * @property {function(): void} wake  time has passed that timers may not have seen
 */

/**
 * @constructor
 * @param {any} page  a window
 */
export function Network(page) {
  this._page = page;
}

/** @returns {boolean} false only where the browser is sure */
Network.prototype.isOnline = function () {
  return this._page.navigator.onLine !== false;
};

/**
 * Tell a watcher from now on.
 *
 * @param {Watcher} watcher
 */
Network.prototype.watch = function (watcher) {
  if (this._page.addEventListener) {
    this._watchEvents(watcher);
  } else if (this._page.attachEvent) {
    this._watchOldInternetExplorer(watcher);
  }
};

/** @param {Watcher} watcher */
Network.prototype._watchEvents = function (watcher) {
  var page = this._page;
  page.addEventListener("offline", watcher.offline, false);
  page.addEventListener("online", watcher.online, false);
  // An open connection would keep the page out of the back/forward cache.
  page.addEventListener("pagehide", ifPersisted(watcher.offline), false);
  page.addEventListener("pageshow", ifPersisted(watcher.online), false);
  page.document.addEventListener("resume", watcher.wake, false);
  page.document.addEventListener("visibilitychange", ifVisible(page, watcher.wake), false);
};

// IE8 tells the body, and only later versions tell the window.
/** @param {Watcher} watcher */
Network.prototype._watchOldInternetExplorer = function (watcher) {
  var target = this._page.document.body || this._page;
  target.attachEvent("onoffline", watcher.offline);
  target.attachEvent("ononline", watcher.online);
};

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
