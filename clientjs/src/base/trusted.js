/**
 * Trusted Types: what a page with `require-trusted-types-for 'script'` requires of script addresses and of markup to parse.
 *
 * Strategy: a page may have one policy of a name (`trusted-types sockgate`), and several scripts of ours. So they share it at a
 * symbol of the window, which no element can name. Where the policy is not allowed, the browser reports the directive, and
 * what needs it fails as it would without this module.
 */
const NAME = "sockgate";

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
  try {
    const key = page.Symbol.for(NAME);
    return (page[key] = page[key] || page.trustedTypes.createPolicy(NAME, PASSING));
  } catch (error) {
    // No Trusted Types, an element of that id, or a policy that does not allow the name.
    return PASSING;
  }
}

const PASSING = { createScriptURL: same, createHTML: same };

/** @param {string} text */
function same(text) {
  return text;
}
