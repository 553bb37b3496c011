/**
 * The browser's events about the network and the page's sleep.
 */
import { isForOldBrowsers } from "./age.js";
import { each } from "./own.js";

/**
 * @typedef {function("offline" | "online" | "wake"): void} Watcher
 *     "offline": the network is gone, or the page goes to sleep; "online": the network is back, or the
 *     page is; "wake": timers may have been suspended
 */

/** By type of event. The last two are events of the document. @type {Object<string, any>} */
var MEANINGS = {
  offline: "offline",
  online: "online",
  // An open connection would keep the page out of the back/forward cache.
  pagehide: "offline",
  pageshow: "online",
  resume: "wake",
  visibilitychange: "wake"
};

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
  var page = this._page;
  var document = page.document;
  var isOld = isForOldBrowsers && !page.addEventListener;
  // IE8 dispatches events on the body, later versions on the window.
  var target = (isOld && document.body) || page;
  onEach(addListener);
  return function () {
    onEach(removeListener);
  };

  /** @param {function(any, string, function(any): void): void} act */
  function onEach(act) {
    each(MEANINGS, function (type, meaning) {
      if (!isOld || type === meaning) {
        act(meaning === "wake" ? document : target, type, listener);
      }
    });
  }

  /** @param {{type: string, persisted?: boolean}} event */
  function listener(event) {
    var isHidden = event.type === "visibilitychange" && document.visibilityState !== "visible";
    if (event.persisted !== false && !isHidden) {
      watcher(MEANINGS[event.type]);
    }
  }
};

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
