/**
 * A POST request by `fetch`, where there is no XMLHttpRequest: in service workers, Node.js.
 */
import { post } from "../credentials/post.js";

/** @type {typeof import("../credentials/post.js").post} */
export const postAnywhere = (url, body, headers, callback) =>
  (typeof XMLHttpRequest === "function" ? post : postByFetch)(url, body, headers, callback);

/** @type {typeof import("../credentials/post.js").post} */
export function postByFetch(url, body, headers, callback) {
  const aborter = new AbortController();
  send(url, body, headers, aborter.signal).then(
    ([status, text]) => aborter.signal.aborted || callback(status, text),
    () => aborter.signal.aborted || callback(0, "")
  );
  return () => aborter.abort();
}

/**
 * @param {string} url
 * @param {string} body
 * @param {Object<string, string>} headers
 * @param {AbortSignal} signal
 * @returns {Promise<[number, string]>} the status and the body
 */
async function send(url, body, headers, signal) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      Accept: "application/json",
      "Content-Type": "application/x-www-form-urlencoded",
      "X-Requested-With": "XMLHttpRequest",
      ...headers
    },
    body,
    signal
  });
  return [response.status, await response.text()];
}
