/**
 * The browser's events about the network and the page's sleep.
 */
import { isForOldBrowsers } from "./age.js";
import { each } from "./own.js";
import { documentOf } from "./globals.js";

/**
 * @typedef {function("offline" | "online" | "wake"): void} Watcher
 *     "offline": the network is gone, or the page goes to sleep; "online": the network is back, or the
 *     page is; "wake": timers may have been suspended
 */

/** By type of event. The last two are events of the document. @type {Object<string, any>} */
const MEANINGS = {
  offline: "offline",
  online: "online",
  // An open connection would keep the page out of the back/forward cache.
  pagehide: "offline",
  pageshow: "online",
  resume: "wake",
  visibilitychange: "wake"
};

/** Node.js removes no listener by `true`. */
const CAPTURE = { capture: true };

export class Network {
  /**
   * @param {any} page  a window
   */
  constructor(page) {
    this._page = page;
  }

  /** @returns {boolean} false only if the browser says so */
  isOnline() {
    return this._page.navigator.onLine !== false;
  }

  /**
   * Call a watcher on each event.
   *
   * @param {Watcher} watcher
   * @returns {function(): void} stops the calls, so that the watcher can be freed
   */
  watch(watcher) {
    const page = this._page;
    const isOld = isForOldBrowsers && !page.addEventListener;
    // IE8 dispatches events on the body, later versions on the window.
    const target = (isOld && page.document.body) || page;
    onEach("addEventListener");
    return () => {
      onEach("removeEventListener");
    };

    /** @param {"addEventListener" | "removeEventListener"} method */
    function onEach(method) {
      each(MEANINGS, (type, meaning) => {
        if (!isOld) {
          // Events of the document pass the window first.
          target[method](type, listener, CAPTURE);
        } else if (type === meaning) {
          changeOld(target, method, type, listener);
        }
      });
    }

    /** @param {{type: string, persisted?: boolean}} event */
    function listener(event) {
      const isHidden = event.type === "visibilitychange" && documentOf(page, "visibilityState") !== "visible";
      if (event.persisted !== false && !isHidden) {
        watcher(MEANINGS[event.type]);
      }
    }
  }
}

/**
 * @param {any} target
 * @param {string} method
 * @param {string} type
 * @param {function(any): void} listener
 */
function changeOld(target, method, type, listener) {
  const name = method === "addEventListener" ? "attachEvent" : "detachEvent";
  if (target[name]) {
    target[name]("on" + type, listener);
  }
}
