/**
 * Change an element of the page into a fresh one, and leave alone what belongs to the viewer: focus, what they have typed or
 * chosen, opened `details`, scroll positions, and what is named as kept.
 *
 * Strategy: children are matched in their order. An element with an id that both have once is the same one, wherever it was. One
 * that contains such an element, or else one of the same name, is matched among the next siblings. What has no match in the
 * fresh one is removed at the end only, because it, or a part of it, may still be matched elsewhere; and not at all where it
 * contains something that must stay.
 */
import { documentOf } from "../../base/globals.js";
import { fieldsOf, isChanged, isTaken, ownerOf, selectedIn } from "./fields.js";
import {
  attributeOf, attributesOf, childNodesOf, clone, contains, findIn, insert, isEqual, move, nameOf, nextElementOf, nextOf, parentOf, remove
} from "./nodes.js";

/** It shows what is later itself. */
const PROGRESS = "SOCKGATE-PROGRESS";

/**
 * @param {any} element  of the page
 * @param {any} fresh  of another document; nothing in it is loaded before it is in the page
 * @param {any[]} [whole]  elements of the page that are left alone
 * @param {Map<any, string[]>} [named]  names of attributes that are left alone, by element of the fresh one; none: all of it is
 * @param {any[]} [set]  hidden fields that a script has set
 * @param {boolean} [isInDoubt]  what the fresh one lacks goes, whatever was typed there
 * @param {function(any): boolean} [isGenuine]  Django has written a form
 * @returns {Set<any>} what the server has not taken
 */
export function morph(element, fresh, whole = [], named = new Map(), set = [], isInDoubt = false, isGenuine) {
  // What is changed is decided before anything changes: new defaults must not look like input.
  const typed = fieldsOf(element).filter(isChanged);
  const changed = new Set([...typed, ...set]);
  const stays = [...typed, ...whole];
  /** Elements whose id both have, by id. @type {Map<string | null, any>} */
  const same = new Map();
  /** They, and what contains them. */
  const rich = new Set();
  const unmatched = new Set();
  const active = documentOf(globalThis, "activeElement");
  const old = byId(element);
  removeScripts(findIn(fresh, "script"));
  for (const [id, one] of byId(fresh)) {
    const found = one && old.get(id);
    if (found && isLike(found, one)) {
      same.set(id, found);
      for (let node = found; node !== element; node = parentOf(node)) {
        rich.add(node);
      }
    }
  }
  change(element, fresh);
  for (const node of unmatched) {
    if (!(isInDoubt ? whole.includes(node) : stays.some((one) => contains(node, one)))) {
      remove(node);
    }
  }
  if (contains(element, active) && active !== documentOf(globalThis, "activeElement")) {
    active.focus();
  }
  return changed;

  /** @param {any} parent @param {any} other */
  function changeChildren(parent, other) {
    let [next] = childNodesOf(parent);
    for (const child of [...childNodesOf(other)]) {
      let found = match(parent, child, next);
      if (!found) {
        // A part of it may be in the page already.
        found = clone(child, !isAnElement(child) || !findIn(child, "[id]").length);
        insert(parent, found, next);
      } else if (follows(found, next)) {
        for (; next !== found; next = nextOf(next)) {
          unmatched.add(next);
        }
      } else {
        move(parent, found, next);
      }
      unmatched.delete(found);
      change(found, child);
      next = nextOf(found);
    }
    for (; next; next = nextOf(next)) {
      unmatched.add(next);
    }
  }

  /** @param {any} parent @param {any} child  of the fresh one @param {any} next @returns {any} */
  function match(parent, child, next) {
    const isElement = isAnElement(child);
    if (isElement) {
      const found = same.get(attributeOf(child, "id"));
      if (found) {
        return whole.some((one) => one !== found && contains(one, found)) || contains(found, parent) ? null : found;
      }
      for (const part of findIn(child, "[id]")) {
        let node = same.get(attributeOf(part, "id"));
        while (node && parentOf(node) !== parent) {
          node = parentOf(node);
        }
        if (node && follows(node, next) && isLike(node, child)) {
          return node;
        }
      }
    }
    for (let node = next; node; node = nextOf(node)) {
      if (!rich.has(node) && isLike(node, child)) {
        if (isElement && !isEqual(node, child)) {
          // It may be the next one, behind a new one; or the next one may be this one, behind one that is no more.
          const later = nextElementOf(node);
          return isEqual(node, nextElementOf(child)) ? null : isEqual(child, later) ? later : node;
        }
        return node;
      }
    }
    return null;
  }

  /** @param {any} node @param {any} other @returns {boolean} they may be the same one */
  function isLike(node, other) {
    const isSame = (/** @type {string} */ name) => attributeOf(node, name) === attributeOf(other, name);
    return (
      nameOf(node) === nameOf(other) &&
      (!isAnElement(node) || ((!attributeOf(node, "id") || isSame("id")) && isSame("name") && ownerOf(node, isGenuine) === ownerOf(other, isGenuine)))
    );
  }

  /** @param {any} node @param {any} other */
  function change(node, other) {
    if (!isAnElement(node)) {
      if (node.nodeValue !== other.nodeValue) {
        node.nodeValue = other.nodeValue;
      }
      return;
    }
    const name = nameOf(node);
    if (changed.has(node) && isTaken(node, other)) {
      changed.delete(node);
    }
    const isTheirs = changed.has(node);
    // Where scripts run, the content of noscript is text, and in a parsed document it is elements.
    if (whole.includes(node) || named.get(other)?.length === 0 || name === "NOSCRIPT" || (name === PROGRESS && node.follow?.(other))) {
      return;
    }
    const chosen = name === "SELECT" && selectedIn(isTheirs ? node : other);
    changeAttributes(node, other);
    if (name === "TEMPLATE") {
      node.content.replaceChildren(clone(other.content, true));
    }
    changeChildren(node, other);
    if (chosen) {
      for (const option of node.options) {
        option.selected = chosen.includes(option.value);
      }
    } else if (!isTheirs && (name === "INPUT" || name === "TEXTAREA") && node.type !== "file") {
      node.checked = other.checked;
      if (node.value !== other.value) {
        node.value = other.value;
      }
    }
  }

  /** @param {any} node @param {any} other */
  function changeAttributes(node, other) {
    const isFree = (/** @type {any} */ { name }) => !(named.get(other)?.includes(name) || isOfViewer(name, node));
    const [own, fresh] = [node, other].map(attributesOf);
    for (const attribute of [...fresh].filter(isFree)) {
      if (attributeOf(node, attribute.name) !== attribute.value) {
        // Attributes of libraries have names that setAttribute refuses, such as @click.
        own.setNamedItem(attribute.cloneNode());
      }
    }
    for (const { name } of [...own].filter(isFree)) {
      if (!fresh.getNamedItem(name)) {
        own.removeNamedItem(name);
      }
    }
  }

  /** @param {string} name  of an attribute @param {any} node @returns {boolean} the viewer has set it */
  function isOfViewer(name, node) {
    if (name === "open") {
      return /^(DETAILS|DIALOG)$/.test(nameOf(node));
    }
    return /^(value|checked)$/.test(name) && changed.has(node);
  }
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

/** @param {any} node @returns {boolean} */
function isAnElement(node) {
  return nameOf(node)[0] !== "#";
}

/** @param {any} root @returns {Map<string, any>} null: more than one has the id */
function byId(root) {
  const found = new Map();
  for (const one of findIn(root, "[id]")) {
    const id = attributeOf(one, "id");
    found.set(id, found.has(id) ? null : one);
  }
  return found;
}

/** @param {any} node @param {any} next @returns {any} it is `next`, or a later sibling */
function follows(node, next) {
  for (; next && next !== node; next = nextOf(next));
  return next;
}
