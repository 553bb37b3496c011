/**
 * One POST of a form, by XMLHttpRequest.
 */

/**
 * @param {string} url
 * @param {string} body  encoded as a form is
 * @param {Object<string, string>} headers
 * @param {function(number, string): void} callback  is given the status (0: no answer) and the body
 * @returns {function(): void} call it off
 */
export function post(url, body, headers, callback) {
  var request = new XMLHttpRequest();
  request.open("POST", url, true);
  setHeaders(request, headers);
  request.onreadystatechange = function () {
    if (request.readyState === 4) {
      callback(request.status, request.responseText);
    }
  };
  request.send(body);
  return function () {
    request.onreadystatechange = function () {};
    request.abort();
  };
}

/**
 * @param {XMLHttpRequest} request
 * @param {Object<string, string>} headers
 */
function setHeaders(request, headers) {
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/x-www-form-urlencoded");
  // Tells Django from a form, and old caches that this is not a page.
  request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
  for (var name in headers) {
    if (Object.prototype.hasOwnProperty.call(headers, name)) {
      request.setRequestHeader(name, headers[name]);
    }
  }
}
