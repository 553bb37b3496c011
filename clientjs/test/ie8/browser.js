/** Internet Explorer 8 with one page. The test is the network. */
import { FakeClock } from "../fakes/clock.js";
import { FakeDocument } from "./dom.js";
import { speakJScript } from "./language.js";

const LATENCY_MS = 20;

export class InternetExplorer8 {
  clock = new FakeClock();
  #timers = new Map();
  #lastTimer = 0;

  /**
   * @param {string} href  of the page
   * @param {{handle: Function}} server  receives each request
   * @param {object} [more]  properties of the window
   */
  constructor(href, server, more = {}) {
    this.server = server;
    const url = new URL(href);
    const { protocol, host, hostname, port, hash } = url;
    this.location = { href, protocol, host, hostname, port, hash };
    this.document = new FakeDocument(this, this.location);
    this.evaluate = speakJScript({ ...this.#window(), ...more });
    this.evaluate("var window = this, self = this; if (!this.parent) var parent = this;");
  }

  #window() {
    const browser = this;
    return {
      document: this.document,
      location: this.location,
      navigator: { userAgent: "Mozilla/4.0 (compatible; MSIE 8.0)", onLine: true },
      attachEvent: (type, listener) => (this[type] = listener),
      detachEvent: () => {},
      postMessage: {}, // IE8 calls host methods objects
      setTimeout: (callback, ms) => this.#setTimeout(callback, ms),
      clearTimeout: (timer) => this.#timers.get(timer)?.(),
      XMLHttpRequest: function () {
        return new FakeXMLHttpRequest(browser);
      },
      XDomainRequest: function () {
        return new FakeXDomainRequest(browser);
      },
    };
  }

  #setTimeout(callback, ms = 0) {
    this.#lastTimer += 1;
    this.#timers.set(this.#lastTimer, this.clock.after(ms, () => callback()));
    return this.#lastTimer;
  }

  /** Move the time in the page. */
  pass(ms) {
    this.clock.advance(ms);
  }

  get(url, answer) {
    this.request("GET", url, {}, "", answer);
  }

  post(url, body, answer) {
    this.request("POST", url, {}, body, answer);
  }

  /**
   * @param {Function} answer  receives status and text, once
   * @param {Function} [stream]  receives the text so far of a streamed response
   */
  request(method, url, headers, body, answer, stream) {
    const request = { method, url: new URL(url, this.location.href), headers, body };
    this.clock.after(LATENCY_MS, () => {
      const later = (reply) => (...args) => this.clock.after(LATENCY_MS, () => reply(...args));
      this.server.handle(request, later(answer), stream && later(stream));
    });
  }
}

/** Same origin only. The response can be read when it is complete. */
class FakeXMLHttpRequest {
  #browser;
  #headers = {};
  readyState = 0;
  timeout = 0;
  onreadystatechange = null;

  constructor(browser) {
    this.#browser = browser;
  }

  open(method, url) {
    if (new URL(url, this.#browser.location.href).host !== this.#browser.location.host) {
      throw new Error("Access is denied.");
    }
    this.method = method;
    this.url = url;
    this.readyState = 1;
  }

  setRequestHeader(name, value) {
    this.#headers[name] = value;
  }

  send(body) {
    this.#browser.request(this.method, this.url, this.#headers, body, (status, text) => {
      if (this.readyState === 0) return;
      this.readyState = 4;
      this.status = status === 204 ? 1223 : status; // a mistake of IE's
      this.responseText = text;
      this.onreadystatechange?.();
    });
  }

  abort() {
    this.readyState = 0;
  }
}

/** Across origins: no headers, no cookies, no status. */
class FakeXDomainRequest {
  #browser;
  #isAborted = false;
  responseText = "";
  onload = null;
  onerror = null;
  onprogress = null;

  constructor(browser) {
    this.#browser = browser;
  }

  open(method, url) {
    this.method = method;
    this.url = url;
  }

  send(body) {
    const answer = (status, text) => {
      this.responseText = text;
      if (!this.#isAborted) (status < 300 ? this.onload : this.onerror)?.();
    };
    const stream = (text) => {
      this.responseText = text;
      if (!this.#isAborted) this.onprogress?.();
    };
    this.#browser.request(this.method, this.url, {}, body, answer, stream);
  }

  abort() {
    this.#isAborted = true;
  }
}
