/**
 * Many pages of a site with the product's own scripts, each in a window of jsdom. Only what jsdom lacks is Node's: fetch and
 * the times of requests.
 *
 * usage: node herd.mjs <URL of the page> <Cookie> <how many> <a selector>
 * Writes a line of JSON with what a page shows at the selector, when it is subscribed and each time that changes: [page, text, seconds].
 * Ends with its input.
 */
import { createRequire } from "node:module";
import { PerformanceObserver } from "node:perf_hooks";

const [url, cookie, count, selector] = process.argv.slice(2);
const require = createRequire(new URL("../../clientjs/package.json", import.meta.url));
const { CookieJar, JSDOM } = require("jsdom");

const BESIDE = 8;
const cookieJar = new CookieJar();
let opened = 0;

async function open(number) {
  const { window } = await JSDOM.fromURL(`${url}?${number}`, { runScripts: "dangerously", resources: "usable", pretendToBeVisual: true, cookieJar, beforeParse });
  const { document } = window;
  const write = () => {
    const text = document.querySelector(selector).textContent.trim();
    process.stdout.write(`${JSON.stringify([number, text, Date.now() / 1000])}\n`);
  };
  if (document.readyState !== "complete") {
    await new Promise((resolve) => window.addEventListener("load", resolve));
  }
  await new Promise((resolve) => setTimeout(resolve));
  const room = window.Sockgate.connect.client.subscribe("orders");
  if (room.state !== "subscribed") {
    await new Promise((resolve) => room.on("subscribed", resolve));
  }
  new window.MutationObserver(write).observe(document.body, { subtree: true, childList: true, characterData: true });
  write();
}

function beforeParse(window) {
  Object.assign(window, { AbortController, PerformanceObserver });
  window.fetch = (path, { headers, ...more }) => {
    const send = () => fetch(new URL(path, window.location.href), { ...more, headers: { ...headers, Cookie: cookie } });
    // As browsers do where the site has just closed the connection that was kept.
    return send().catch((error) => (error.name === "TypeError" ? send() : Promise.reject(error)));
  };
}

async function openOneByOne() {
  while (opened < count) {
    await open(opened++);
  }
}

cookieJar.setCookieSync(cookie, url);
process.stdin.on("end", () => process.exit()).resume();
await Promise.all(Array.from({ length: BESIDE }, openOneByOne));
