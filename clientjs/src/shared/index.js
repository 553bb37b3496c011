/**
 * One connection for all tabs: the script that a client with `shared: true` loads, and the script of its
 * SharedWorker. docs/shared.md explains both.
 */
import { Clock } from "../base/clock.js";
import { documentOf } from "../base/globals.js";
import { openerWith } from "../transports/complete.js";
import { Memory } from "../transports/memory.js";
import { loadSockJS } from "../transports/script.js";
import { SharedSocket } from "./socket.js";
import { WorkerDialer, isWorker, serve } from "./worker.js";

const clock = new Clock();

/** @type {WorkerDialer | null} */
let worker = null;

/** All ways to connect, for the small script (transports/starter.js). */
export const opener = openerWith(loadSockJS);

/**
 * Open the shared connection.
 *
 * @param {string} url  of the gateway
 * @param {any} settings  of the client
 * @param {any} page  a window
 * @param {boolean} isProven  the page was connected before
 * @returns {SharedSocket | null} null: this browser cannot share
 */
export function open(url, settings, page, isProven) {
  const nextDialer = () => workerOf(page, settings);
  if (!nextDialer()) {
    return null;
  }
  const { transport, transports, fallbackAfterMs, upgradeAfterMs, sockjsUrl } = settings;
  const memory = new Memory(page, Date.now);
  return new SharedSocket({
    nextDialer,
    clock,
    locks: page.navigator.locks,
    remember: (text) => memory.adopt(text),
    hello: {
      type: "open",
      url: absolute(url, page),
      isProven,
      remembered: memory.text(),
      settings: {
        transport,
        transports: transports ? [].concat(transports) : null,
        fallbackAfterMs,
        upgradeAfterMs,
        sockjsUrl: sockjsUrl ? absolute(sockjsUrl, page) : null
      }
    }
  });
}

/**
 * @param {any} page
 * @param {any} settings
 */
function workerOf(page, settings) {
  const { sharedUrl } = settings;
  if (!page.SharedWorker || !sharedUrl || new URL(sharedUrl, documentOf(page, "baseURI")).origin !== page.location.origin) {
    return null;
  }
  worker = worker || new WorkerDialer(page, sharedUrl);
  return worker.isBroken ? null : worker;
}

/**
 * @param {string} url
 * @param {any} page
 */
function absolute(url, page) {
  return new URL(url, documentOf(page, "baseURI")).href;
}

if (typeof self === "object" && isWorker(self)) {
  serve(self);
}
