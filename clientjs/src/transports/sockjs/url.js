/**
 * A parsed URL, for sockjs-client: the part of url-parse that it uses. The browser parses, so this is a
 * tenth of its size. Not for IE8, whose anchors have no parts of relative URLs.
 */

import { documentOf } from "../../base/globals.js";

export default class ParsedUrl {
  /**
   * @param {string} url  absolute, or relative to the page
   */
  constructor(url) {
    const anchor = typeof document === "object" ? anchorOf(url) : new URL(url, self.location.href);
    this.protocol = anchor.protocol;
    this.hostname = anchor.hostname;
    this.port = isDefault(anchor) ? "" : anchor.port;
    this.host = this.hostname + (this.port ? ":" + this.port : "");
    this.hash = anchor.hash;
    this.pathname = anchor.pathname.replace(/^\/?/, "/");
    this._search = anchor.search;
    this.href = "";
    this.set("pathname", this.pathname);
  }

  /**
   * @param {"pathname"} _part
   * @param {string} value
   */
  set(_part, value) {
    this.pathname = value;
    this.href = this.protocol + "//" + this.host + value + this._search + this.hash;
  }
}

/** @param {string} url */
function anchorOf(url) {
  const anchor = documentOf(self, "createElement").call(document, "a");
  anchor.href = url;
  // IE resolves a relative URL only when it is assigned as an absolute one.
  anchor.href = anchor.href;
  return anchor;
}

// A SharedWorker has no document. IE names the default port, too.
/** @param {{protocol: string, port: string}} anchor */
function isDefault(anchor) {
  return anchor.port === (anchor.protocol === "https:" ? "443" : "80");
}
