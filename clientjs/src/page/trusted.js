/**
 * Trusted Types: what a page with `require-trusted-types-for 'script'` requires of script addresses and of markup to parse.
 *
 * Strategy: a page may have one policy of a name (`trusted-types sockgate`), and several scripts of ours. So they share it at a
 * symbol of the window, which no element can name. Where the policy is not allowed, the browser reports the directive, and
 * what needs it fails as it would without this module.
 */
var NAME = "sockgate";

/**
 * @param {any} page  a window
 * @param {string} url  of a script, from Django or from the page's own script
 * @returns {any} for `script.src` and `SharedWorker`
 */
export function trustedUrl(page, url) {
  return policyOf(page).createScriptURL(url);
}

/**
 * @param {any} page  a window
 * @param {string} html
 * @returns {any} for `DOMParser.parseFromString`
 */
export function trustedHtml(page, html) {
  return policyOf(page).createHTML(html);
}

/** @param {any} page */
function policyOf(page) {
  var types = page.trustedTypes;
  // A browser without Trusted Types may have an element of this id.
  if (types && typeof types.createPolicy === "function") {
    var key = page.Symbol.for(NAME);
    try {
      return (page[key] = page[key] || types.createPolicy(NAME, PASSING));
    } catch (error) {
      // The policy's name is not allowed.
    }
  }
  return PASSING;
}

var PASSING = { createScriptURL: same, createHTML: same };

/** @param {string} text */
function same(text) {
  return text;
}
