/**
 * Change an element of the page into a fresh one, and leave alone what belongs to the viewer: focus, what they have typed or
 * chosen, opened `details`, scroll positions, and what is named as kept.
 *
 * Strategy: children are matched in their order. An element with an id that both have once is the same one, wherever it was. One
 * that contains such an element, or else one of the same name, is matched among the next siblings. What has no match in the
 * fresh one is removed at the end only, because it, or a part of it, may still be matched elsewhere; and not at all where it
 * contains something that must stay.
 */
import { fieldsOf, isChanged, isTaken, selectedIn } from "./fields.js";

/**
 * @typedef {Object} Kept
 * @property {any[]} whole  elements of the page that are left alone
 * @property {Map<any, string[]>} named  names of attributes that are left alone, by element of the fresh one; none: all of it is
 * @property {Set<any>} [set]  hidden fields that a script has set; those that the server has taken are removed from it
 */

/** It shows what is later itself. */
const PROGRESS = "sockgate-progress";

/** @type {Kept} */
const NOTHING = { whole: [], named: new Map() };

/**
 * @param {any} element  of the page
 * @param {Element} fresh  of another document; nothing in it is loaded before it is in the page
 * @param {Kept} [kept]
 */
export function morph(element, fresh, { whole, named, set = new Set() } = NOTHING) {
  // What is changed is decided before anything changes: new defaults must not look like input.
  const changed = new Set(fieldsOf(element).filter(isChanged));
  const stays = [...changed, ...whole];
  set.forEach((one) => changed.add(one));
  /** Elements whose id both have, by id. @type {Map<string, any>} */
  const same = new Map();
  /** They, and what contains them. */
  const rich = new Set();
  const unmatched = new Set();
  const active = element.ownerDocument.activeElement;
  const old = byId(element);
  removeScripts(fresh);
  for (const [id, one] of byId(fresh)) {
    const found = one && old.get(id);
    if (found && found.localName === one.localName) {
      same.set(id, found);
      for (let node = found; node !== element; node = node.parentNode) {
        rich.add(node);
      }
    }
  }
  change(element, fresh);
  for (const node of unmatched) {
    if (!stays.some((one) => node.contains(one))) {
      node.remove();
    }
  }
  if (element.contains(active) && active !== element.ownerDocument.activeElement) {
    active.focus();
  }

  /** @param {any} parent @param {any} other */
  function changeChildren(parent, other) {
    let next = parent.firstChild;
    for (const child of [...other.childNodes]) {
      let found = match(parent, child, next);
      if (!found) {
        // A part of it may be in the page already.
        found = parent.ownerDocument.importNode(child, !child.firstElementChild || !child.querySelector("[id]"));
        parent.insertBefore(found, next);
      } else if (follows(found, next)) {
        for (; next !== found; next = next.nextSibling) {
          unmatched.add(next);
        }
      } else {
        // The first one keeps focus and frames, where the browser has it.
        parent[parent.moveBefore ? "moveBefore" : "insertBefore"](found, next);
      }
      unmatched.delete(found);
      change(found, child);
      next = found.nextSibling;
    }
    for (; next; next = next.nextSibling) {
      unmatched.add(next);
    }
  }

  /** @param {any} parent @param {any} child  of the fresh one @param {any} next @returns {any} */
  function match(parent, child, next) {
    if (child.nodeType === 1) {
      const found = same.get(child.getAttribute("id"));
      if (found) {
        return whole.some((one) => one !== found && one.contains(found)) || found.contains(parent) ? null : found;
      }
      for (const part of child.querySelectorAll("[id]")) {
        let node = same.get(part.getAttribute("id"));
        while (node && node.parentNode !== parent) {
          node = node.parentNode;
        }
        if (node && follows(node, next) && isLike(node, child)) {
          return node;
        }
      }
    }
    for (let node = next; node; node = node.nextSibling) {
      if (!rich.has(node) && isLike(node, child)) {
        const later = node.nextElementSibling;
        const after = child.nextElementSibling;
        if (!node.isEqualNode(child)) {
          // It may be the next one, behind a new one; or the next one may be this one, behind one that is no more.
          return node.isEqualNode(after) ? null : later && later.isEqualNode(child) ? later : node;
        }
        return node;
      }
    }
    return null;
  }

  /** @param {any} node @param {any} other */
  function change(node, other) {
    if (node.nodeType !== 1) {
      if (node.nodeValue !== other.nodeValue) {
        node.nodeValue = other.nodeValue;
      }
      return;
    }
    const { localName } = node;
    if (changed.has(node) && isTaken(node, other)) {
      changed.delete(node);
      set.delete(node);
    }
    const isTheirs = changed.has(node);
    // Where scripts run, the content of noscript is text, and in a parsed document it is elements.
    if (whole.includes(node) || named.get(other)?.length === 0 || localName === "noscript" || (isTheirs && localName === "textarea") || (localName === PROGRESS && node.follow && node.follow(other))) {
      return;
    }
    const chosen = isTheirs && localName === "select" && selectedIn(node);
    changeAttributes(node, other);
    if (localName === "template") {
      node.content.replaceChildren(node.ownerDocument.importNode(other.content, true));
    }
    changeChildren(node, other);
    if (chosen) {
      for (const option of node.options) {
        option.selected = chosen.includes(option.value);
      }
    } else if (localName === "option" && !changed.has(node.closest("select"))) {
      node.selected = other.selected;
    } else if (!isTheirs && node.type !== "file" && (localName === "input" || localName === "textarea")) {
      node.checked = other.checked;
      if (node.value !== other.value) {
        node.value = other.value;
      }
    }
  }

  /** @param {any} node @param {any} other */
  function changeAttributes(node, other) {
    const isFree = (/** @type {any} */ { name }) => !(named.get(other)?.includes(name) || isOfViewer(name, node));
    for (const attribute of [...other.attributes].filter(isFree)) {
      if (node.getAttribute(attribute.name) !== attribute.value) {
        // Attributes of libraries have names that setAttribute refuses, such as @click.
        node.setAttributeNode(attribute.cloneNode());
      }
    }
    for (const { name } of [...node.attributes].filter(isFree)) {
      if (!other.hasAttribute(name)) {
        node.removeAttribute(name);
      }
    }
  }

  /** @param {string} name  of an attribute @param {any} node @returns {boolean} the viewer has set it */
  function isOfViewer(name, node) {
    if (name === "open") {
      return /^(details|dialog)$/.test(node.localName);
    }
    return /^(value|checked|selected)$/.test(name) && changed.has(name === "selected" ? node.closest("select") : node);
  }
}

/**
 * An element of the fresh page must not execute a script: one that has run does not run again, and another one may need a
 * nonce. Data in JSON stays.
 *
 * @param {Element} fresh
 */
export function removeScripts(fresh) {
  for (const script of fresh.querySelectorAll("script")) {
    if (!/[/+]json$/i.test(script.type)) {
      script.remove();
    }
  }
}

/** @param {any} root @returns {Map<string, any>} null: more than one has the id */
function byId(root) {
  const found = new Map();
  for (const one of root.querySelectorAll("[id]")) {
    const id = one.getAttribute("id");
    found.set(id, found.has(id) ? null : one);
  }
  return found;
}

/** @param {any} node @param {any} next @returns {boolean} it is `next`, or a later sibling */
function follows(node, next) {
  return next && node.parentNode === next.parentNode && (node === next || !!(next.compareDocumentPosition(node) & 4));
}

/** @param {any} node @param {any} fresh @returns {boolean} they may be the same one */
function isLike(node, fresh) {
  const of = (/** @type {any} */ one, /** @type {string} */ name) => one.getAttribute && one.getAttribute(name);
  return node.nodeName === fresh.nodeName && (!of(node, "id") || of(node, "id") === of(fresh, "id")) && of(node, "name") === of(fresh, "name");
}
