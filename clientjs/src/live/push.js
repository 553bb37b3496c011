/**
 * Fragments that Django pushes: `publish_html(to, target, template, …)`. The same for all who receive it.
 */
import { documentOf, globalOf } from "../page/globals.js";
import { trustedHtml } from "../page/trusted.js";
import { morph, removeScripts } from "./morph.js";

/** The event of these publications. The gateway delivers only what Django has signed; a browser cannot publish it. */
export const EVENT = "sockgate:html";

/** These swaps have the names of methods of an element, which take the new nodes. */
const METHODS = new Set(["append", "prepend", "before", "after", "remove"]);

/**
 * @param {any} page  the window
 * @param {any} data  `{target, swap, html}`
 * @param {function(any, string, any): boolean} emit  an event at the target; false: it was prevented
 */
export function push(page, { target: id, swap, html }, emit) {
  const target = find(page, id);
  if (!target || !emit(target, "before", { swap })) {
    return;
  }
  // In a template, rows and cells of a table need no table around them. Nothing is loaded or executed there.
  const parsed = new page.DOMParser().parseFromString(trustedHtml(page, `<template>${html}</template>`), "text/html");
  const { content } = parsed.querySelector("template");
  const { parentNode } = target;
  removeScripts(content);
  if (METHODS.has(swap)) {
    removeKnown(page, content, target);
    target[swap](...content.childNodes);
  } else if (swap === "replace") {
    const fresh = content.ownerDocument.importNode(target, false);
    fresh.append(...content.childNodes);
    morph(target, fresh);
  } else if (swap === "outer") {
    changeInto(target, content);
  }
  processHtmx(page, parentNode);
  emit(target.isConnected ? target : parentNode, "after", { swap });
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
 * What is in the page already must not be there twice.
 *
 * @param {any} page
 * @param {any} content
 * @param {Element} target
 */
function removeKnown(page, content, target) {
  for (const { id } of content.children) {
    const known = id && find(page, id);
    if (known && !known.contains(target)) {
      known.remove();
    }
  }
}

/** @param {any} page @param {string} id @returns {any} */
function find(page, id) {
  return documentOf(page, "getElementById").call(page.document, id);
}

/** @param {any} target @param {any} content */
function changeInto(target, content) {
  const fresh = content.firstElementChild;
  if (fresh && fresh.id === target.id && fresh.localName === target.localName) {
    morph(target, fresh);
  } else {
    target.replaceWith(...content.childNodes);
  }
}
