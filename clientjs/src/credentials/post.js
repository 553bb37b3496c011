/**
 * A POST request by XMLHttpRequest, encoded like a form.
 */
import { copy, each, nothing } from "../base/own.js";

/**
 * @param {string} url
 * @param {string} body  form-encoded
 * @param {Object<string, string>} headers
 * @param {function(number, string): void} callback  receives the status (0: no response) and the body
 * @returns {function(): void} aborts the request
 */
export function post(url, body, headers, callback) {
  const request = new XMLHttpRequest();
  request.open("POST", url, true);
  setHeaders(request, headers);
  request.onreadystatechange = () => {
    if (request.readyState === 4) {
      callback(request.status, request.responseText);
    }
  };
  request.send(body);
  return () => {
    request.onreadystatechange = nothing;
    request.abort();
  };
}

/**
 * @param {XMLHttpRequest} request
 * @param {Object<string, string>} headers
 */
function setHeaders(request, headers) {
  const all = copy(headers, {
    Accept: "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    // Distinguishes the request from a form for Django, and from a page for old caches.
    "X-Requested-With": "XMLHttpRequest"
  });
  each(all, (name, value) => {
    request.setRequestHeader(name, value);
  });
}
