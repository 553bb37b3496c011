/**
 * What the small script leaves out, in the badge and in the console: what to check after a code, and which directive of the
 * page's Content-Security-Policy has blocked something of ours.
 */
import { HINTS } from "../../wire/hints.js";

/** Names of our scripts, also with a hash in the name. */
var OURS = /\/(sockgate[\w.-]*|badge[\w.-]*|sockjs)\.m?js|\/websocket$|^sockgate$/;

/**
 * Note what the policy blocks, and say it in the console.
 *
 * @param {any} page  a window
 * @returns {function(): string} the last violation of ours; empty: there is none
 */
export function watchPolicy(page) {
  var last = "";
  // Events of the document pass the window first.
  page.addEventListener(
    "securitypolicyviolation",
    function (/** @type {any} */ event) {
      var places = [event.sourceFile, event.blockedURI, event.sample];
      if (event.disposition !== "report" && places.some(isOurs)) {
        last = violationText(event);
        page.console.warn("sockgate: " + last);
      }
    },
    true
  );
  return function () {
    return last;
  };
}

/** @param {string} place */
function isOurs(place) {
  return OURS.test(String(place || "").split(/[?#]/)[0]);
}

/**
 * @param {{effectiveDirective: string, blockedURI: string}} event
 * @returns {string}
 */
export function violationText(event) {
  var directive = event.effectiveDirective;
  var needed = /^trusted-types|^require-trusted-types/.test(directive) ? "trusted-types sockgate" : directive + " with " + event.blockedURI;
  return "Content-Security-Policy: " + directive + " has blocked " + event.blockedURI + ". The page needs " + needed + ".";
}

/**
 * @param {any} page  a window
 * @param {function(any): string} explain  of the client
 * @param {function(): string} violation
 * @returns {function(any): string}
 */
export function explainer(page, explain, violation) {
  /** @type {Object<string, boolean>} */
  var said = {};
  return function (close) {
    var check = HINTS[close.code];
    var text = explain(close);
    var known = check && text.indexOf(check) === -1 ? "Check " + check + ". " : "";
    if (known && !said[close.code]) {
      said[close.code] = true;
      page.console.warn("sockgate: " + close.code + ": " + known.trim());
    }
    return [violation(), known + text].join(" ").trim();
  };
}
