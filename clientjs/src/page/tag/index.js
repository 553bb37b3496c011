/**
 * `sockgate/tag`, and the script `sockgate-tag.js` with the global `SockgateTag`: name the page's connection in its requests,
 * so that Django can publish to all but this page: `publish(…, exclude=request)`.
 *
 * Strategy: `fetch` and XMLHttpRequest, and so htmx, are wrapped. Only a request to the page's own origin that may change
 * something has the header: a foreign origin must not learn the id, and a GET, whose redirects often lead elsewhere, stays as it is.
 */

import { documentOf } from "../../base/globals.js";

export const HEADER = "X-Sockgate-Connection";

const CHANGING = /^(POST|PUT|PATCH|DELETE)$/i;

/**
 * Add the header to the page's requests from now on.
 *
 * @param {{connection: string}} rt  the client
 * @param {any} [page]  for tests
 * @returns {function(): void} ends it
 */
export function tagRequests(rt, page = window) {
  const { fetch, XMLHttpRequest } = page;
  const { open, send } = XMLHttpRequest.prototype;
  /** Requests that may have the header. @type {WeakSet<any>} */
  const tagged = new WeakSet();
  let isOver = false;

  /**
   * @param {string} method
   * @param {any} url
   * @returns {boolean}
   */
  function isOwnChange(method, url) {
    const { location } = page;
    try {
      return CHANGING.test(method) && new URL(url, documentOf(page, "baseURI")).origin === location.origin;
    } catch (error) {
      return false;
    }
  }

  /** @param {any} input @param {any} [init] @returns {Promise<Response>} */
  function taggedFetch(input, init) {
    const request = typeof input === "object" && "headers" in input ? input : {};
    const given = init || {};
    const isTagged = isOwnChange(given.method || request.method || "GET", request.url || input);
    if (isOver || !rt.connection || !isTagged) {
      return fetch.call(page, input, init);
    }
    const headers = new page.Headers(given.headers || request.headers);
    headers.set(HEADER, rt.connection);
    return fetch.call(page, input, { ...given, headers });
  }

  /** @this {any} @param {string} method @param {any} url @param {any[]} more */
  function taggedOpen(method, url, ...more) {
    tagged[isOwnChange(method, url) ? "add" : "delete"](this);
    return open.call(this, method, url, ...more);
  }

  /** @this {any} @param {any[]} body */
  function taggedSend(...body) {
    if (!isOver && rt.connection && tagged.has(this)) {
      this.setRequestHeader(HEADER, rt.connection);
    }
    return send.apply(this, body);
  }

  page.fetch = taggedFetch;
  XMLHttpRequest.prototype.open = taggedOpen;
  XMLHttpRequest.prototype.send = taggedSend;

  return () => {
    isOver = true;
    // Another script may have wrapped these functions, too.
    if (page.fetch === taggedFetch) {
      page.fetch = fetch;
    }
    const { prototype } = XMLHttpRequest;
    if (prototype.open === taggedOpen && prototype.send === taggedSend) {
      prototype.open = open;
      prototype.send = send;
    }
  };
}
