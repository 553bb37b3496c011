/** Markup that Django has sent, in a document in which nothing is loaded or executed. */
import { globalOf } from "../../base/globals.js";
import { trustedHtml } from "../../base/trusted.js";

/** The property of the window that has what shows a push: a page that shows none does not load it. */
export const PUSH = "sockgateHtml";

/**
 * @param {any} page
 * @param {string} html  a page, or a part of one: in a template, rows and cells of a table need no table around them
 * @returns {any} a document, in which nothing is loaded or executed
 */
export function parse(page, html) {
  const document = new page.DOMParser().parseFromString(trustedHtml(page, `<!doctype html><template>${html}</template>`), "text/html");
  document.body.append(document.querySelector("template").content);
  return document;
}

/**
 * Let htmx find its attributes in what is new.
 *
 * @param {any} page
 * @param {any} element
 */
export function processHtmx(page, element) {
  globalOf(page, "htmx")?.process?.(element);
}

/**
 * An element of the fresh page must not execute a script: one that has run does not run again, and another one may need a
 * nonce. Data in JSON stays.
 *
 * @param {Iterable<any>} scripts
 */
export function removeScripts(scripts) {
  for (const script of scripts) {
    if (!/[/+]json$/i.test(script.type)) {
      script.remove();
    }
  }
}
