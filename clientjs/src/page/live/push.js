/**
 * Fragments that Django pushes: `publish_html(to, target, template, …)`. The same for all who receive it.
 */
import { findAll, globalOf } from "../../base/globals.js";
import { trustedHtml } from "../../base/trusted.js";
import { removeScripts } from "./morph.js";
import { attributeOf, clone, contains, findIn, isConnected, method, move, nameOf, parentOf, remove, replaceChildren } from "./nodes.js";

/** The event of these publications. The gateway delivers only what Django has signed; a browser cannot publish it. */
export const EVENT = "sockgate:html";

/** These swaps have the names of methods of an element, which take the new nodes. */
const METHODS = /^(append|prepend|before|after|remove)$/;

/**
 * @param {any} page  the window
 * @param {any} data  `{target, swap, html}`
 * @param {any} fragments  `emit` an event at the target, false: it was prevented; `change` an element; `know` a new one
 */
export function push(page, { target: id, swap, html }, { emit, change, know }) {
  const target = find(page, id);
  if (!target || !emit(target, "before", { swap })) {
    return;
  }
  const { body } = parse(page, html);
  const parent = parentOf(target);
  removeScripts(findIn(body, "script"));
  const fresh = [...body.children];
  if (METHODS.test(swap)) {
    const rows = knownIn(page, body, target);
    method(swap)(target, ...body.childNodes);
    for (const [known, fresh] of rows) {
      if (nameOf(known) === nameOf(fresh)) {
        move(parentOf(fresh), known, fresh);
        remove(fresh);
        change(known, fresh);
      } else {
        remove(known);
      }
    }
  } else if (swap === "replace") {
    const whole = clone(target);
    replaceChildren(whole, ...body.childNodes);
    change(target, whole);
  } else if (swap === "outer") {
    changeInto(target, body, change);
  }
  fresh.filter(isConnected).forEach(know);
  processHtmx(page, parent);
  emit(parentOf(target) ? target : parent, "after", { swap });
}

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
 * What is in the page already must not be there twice: it moves, with what was typed there, or goes where it is of another kind.
 *
 * @param {any} page
 * @param {any} body
 * @param {Element} target
 * @returns {any[][]} elements of the page, each with its fresh one
 */
function knownIn(page, body, target) {
  return [...body.children]
    .map((fresh) => [find(page, attributeOf(fresh, "id")), fresh])
    .filter(([known]) => known && !contains(known, target));
}

/** @param {any} page @param {any} id @returns {any} undefined, too, where content of a user may have taken the id of another element */
function find(page, id) {
  const [found, other] = findAll(page, `#${CSS.escape(id)}`);
  return other ? undefined : found;
}

/** @param {any} target @param {any} body @param {function(any, any): void} change */
function changeInto(target, body, change) {
  const fresh = body.firstElementChild;
  if (fresh && attributeOf(fresh, "id") === attributeOf(target, "id") && nameOf(fresh) === nameOf(target)) {
    change(target, fresh);
  } else {
    method("replaceWith")(target, ...body.childNodes);
  }
}
