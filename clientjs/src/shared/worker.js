/**
 * The hub in a SharedWorker, and a tab's way to it. The worker runs the same script as the page.
 */
import { pageOf } from "../async/surroundings.js";
import { trustedUrl } from "../base/trusted.js";
import { Hub } from "./hub.js";

/** Failures in a row after which a tab does without the worker. */
const MAX_FAILURES = 2;

/** Messages of another version are not understood. The old worker lives on after a deployment. */
const NAME = "sockgate-1";

/**
 * @typedef {import("./socket.js").SharedSocket} SharedSocket
 */

/**
 * @param {any} scope
 * @returns {boolean} this script runs as a shared worker
 */
export function isWorker(scope) {
  return typeof scope.SharedWorkerGlobalScope === "function" && scope instanceof scope.SharedWorkerGlobalScope;
}

/**
 * Serve the tabs that connect to this worker.
 *
 * @param {any} scope
 */
export function serve(scope) {
  const hub = new Hub({ page: pageOf(scope), loadSockJS: (url, _, callback) => callback(importSockJS(scope, url)) });
  scope.onconnect = (/** @type {any} */ event) => {
    const [port] = event.ports;
    const tab = hub.accept({ post: (message) => port.postMessage(message), close: () => port.close() });
    port.onmessage = (/** @type {any} */ { data }) => tab.receive(data);
  };
}

/**
 * @param {any} scope
 * @param {string} url
 */
function importSockJS(scope, url) {
  try {
    if (!scope.SockgateSockJS) {
      scope.importScripts(url);
    }
  } catch (error) {}
  return scope.SockgateSockJS || null;
}

/** A way to the worker's hub, until it fails. */
export class WorkerDialer {
  /**
   * @param {any} page
   * @param {string} url  of this script
   */
  constructor(page, url) {
    this._page = page;
    this._url = url;
    this._failures = 0;
    /** Each tab has a connection of its own. */
    this.isBroken = false;
  }

  /** @param {SharedSocket} socket */
  dial(socket) {
    const worker = new this._page.SharedWorker(trustedUrl(this._page, this._url), { name: NAME });
    const { port } = worker;
    worker.onerror = () => socket.gone();
    // Without locks, the hub would miss the tab only after minutes.
    const onPageHide = () => socket.lost();
    this._page.navigator.locks || this._page.addEventListener("pagehide", onPageHide);
    // Newer browsers say that the other end is closed, also by a crash.
    port.onclose = () => socket.gone();
    port.onmessage = (/** @type {any} */ { data }) => {
      this._failures = data.type === "opened" ? 0 : this._failures;
      socket.received(data);
    };
    return {
      post: (/** @type {any} */ message) => port.postMessage(message),
      close: () => {
        this._page.removeEventListener("pagehide", onPageHide);
        worker.onerror = port.onclose = port.onmessage = null;
        port.close();
      }
    };
  }

  /** The hub does not answer. */
  failed() {
    this._failures += 1;
    this.isBroken = this._failures >= MAX_FAILURES;
  }
}
