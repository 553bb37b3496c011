/**
 * Change an element of the page into a fresh one, and leave alone what belongs to the viewer: focus, what they have typed or
 * chosen, opened `details`, scroll positions, and what is named as kept.
 *
 * Strategy: two elements are the same one if no other has their id, or the name and the form of theirs, and so is what contains
 * them at the same depth. What is left is matched in its order among elements of one kind, and a row in which somebody has typed
 * only with an equal one, or if it is the only one: its position does not say which object it is about. What has no match in the
 * fresh one is removed at the end only, because a part of it may still be matched elsewhere; and not at all where it contains
 * something that must stay.
 */
import { documentOf } from "../../base/globals.js";
import { aboutOf, changedIn, formOf, isAbout, isTaken, keyOf, selectedIn } from "./fields.js";
import { removeScripts } from "./markup.js";
import {
  attributeOf, attributesOf, childNodesOf, clone, contains, findIn, groupBy, insert, isEqual, move, nameOf, nextElementOf, nextOf, parentOf, remove
} from "./nodes.js";

/** It shows what is later itself. */
const PROGRESS = "SOCKGATE-PROGRESS";
/** What may have no second one like it. */
const IDENTIFIED = "[id],[name],form";

/**
 * @param {any} element  of the page
 * @param {any} fresh  of another document; nothing in it is loaded before it is in the page
 * @param {any[]} [whole]  elements of the page that are left alone
 * @param {Map<any, string[]>} [named]  names of attributes that are left alone, by element of the fresh one; none: all of it is
 * @param {any[]} [set]  hidden fields that a script has set
 * @param {boolean} [isInDoubt]  what the fresh one lacks goes, whatever was typed there
 * @param {function(any): boolean} [isGenuine]  Django has written a form
 * @param {Map<any, any>} [parts]  in which somebody has typed
 * @returns {Set<any>} what the server has not taken
 */
export function morph(element, fresh, whole = [], named = new Map(), set = [], isInDoubt = false, isGenuine, parts = new Map()) {
  // What is changed is decided before anything changes: new defaults must not look like input.
  const typed = changedIn(element);
  const changed = new Set([...typed, ...set]);
  const stays = [...typed, ...whole];
  const staying = above(stays, element);
  const isInWhole = new Set();
  whole.forEach((one) => findIn(one, "*").forEach((/** @type {any} */ part) => isInWhole.add(part)));
  /** Elements of the page, by the same ones of the fresh one. */
  const same = new Map();
  const matched = new Set();
  /** What each form belongs to. @type {Map<any, any[]>} */
  const forms = new Map();
  /** Elements of the fresh one about the same objects as parts in which somebody has typed. @type {Map<any, any>} */
  const partners = new Map();
  const unmatched = new Set();
  const active = documentOf(globalThis, "activeElement");
  removeScripts(findIn(fresh, "script"));
  [element, fresh].forEach((one) =>
    findIn(one, "form").forEach((/** @type {any} */ form) => forms.set(form, [isGenuine?.(form), aboutOf(form)]))
  );
  // What somebody has typed in comes first: nothing else takes its place.
  for (const part of new Set(parts.values())) {
    const [old, others] = [element, fresh].map((one) => [...findIn(one, nameOf(part))].filter((like) => kindOf(like) === kindOf(part) && keyOf(like) === keyOf(part)));
    const equal = others.filter((other) => isAbout(part, other, set));
    const [other, isTwice] = equal[0] ? equal : others;
    // Two that say the same say nothing.
    if (other && !isTwice && !old.filter((one) => !equal[0] || isAbout(one, other, set))[1]) {
      partners.set(part, other);
      pair(part, other);
    }
  }
  const old = groupBy(findIn(element, IDENTIFIED), kindOf);
  groupBy(findIn(fresh, IDENTIFIED), kindOf).forEach(([other, isTwice], kind) => {
    const [node, isOldTwice] = old.get(kind) || [];
    if (!isTwice && !isOldTwice) {
      pair(node, other);
    }
  });
  const rich = above(same.keys(), fresh);
  change(element, fresh);
  const left = isInDoubt ? new Set(whole) : above(stays, element);
  for (const node of unmatched) {
    if (!left.has(node)) {
      remove(node);
    }
  }
  if (contains(element, active) && active !== documentOf(globalThis, "activeElement")) {
    active.focus();
  }
  return changed;

  /** @param {any} node @returns {string} elements of another kind are not the same one: what is typed into a form never becomes part of another one */
  function kindOf(node) {
    const name = nameOf(node);
    return isAnElement(node)
      ? JSON.stringify([name, ...["id", "name", /^(checkbox|radio)$/.test(node.type) && "value"].map((one) => attributeOf(node, one)), forms.get(formOf(node))])
      : name;
  }

  /** @param {any} node @param {any} other @returns {boolean} what is typed somewhere stays with its object */
  function mayBe(node, other) {
    const partner = partners.get(parts.get(node) || parts.get(formOf(node)));
    return !partner || contains(other, partner) || contains(partner, other);
  }

  /** They are the same, and so is what contains them. @param {any} node @param {any} other */
  function pair(node, other) {
    for (; node && node !== element && !matched.has(node) && !same.has(other) && !isInWhole.has(node) && kindOf(node) === kindOf(other) && mayBe(node, other); node = parentOf(node)) {
      matched.add(node);
      same.set(other, node);
      other = parentOf(other);
    }
  }

  /** @param {any} parent @param {any} other */
  function changeChildren(parent, other) {
    /** @type {Map<any, any>} */
    const places = new Map([...childNodesOf(parent)].map((node, place) => [node, place]));
    const children = [...childNodesOf(other)];
    // The first ones at the end.
    const kinds = groupBy([...places.keys()].filter((node) => !matched.has(node)).reverse(), kindOf);
    const freshKinds = groupBy(children.filter((child) => !same.has(child)), kindOf);
    let [next] = places.keys();
    for (const child of children) {
      let found = match(child);
      if (!found) {
        // A part of it may be in the page already.
        found = clone(child, !rich.has(child));
        insert(parent, found, next);
      } else if (parentOf(found) === parent && places.get(found) >= places.get(next)) {
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

    /** @param {any} child  of the fresh one @returns {any} */
    function match(child) {
      const found = same.get(child);
      if (found) {
        return contains(found, parent) ? null : found;
      }
      const kind = kindOf(child);
      const nodes = kinds.get(kind) || [];
      for (let place = nodes.length; place--; ) {
        const node = nodes[place];
        if (!(places.get(node) >= places.get(next))) {
          nodes.length = place;
        } else if (!isAnElement(child) || isEqual(node, child)) {
          return node;
        } else if (!staying.has(node) || !(nodes[1] || freshKinds.get(kind)?.[1] || !mayBe(node, child))) {
          // It may be the next one, behind a new one; or the next one may be this one, behind one that is no more.
          const later = nextElementOf(node);
          return isEqual(node, nextElementOf(child)) ? null : isEqual(child, later) ? later : node;
        }
      }
      // What a script has put in the place of this form. Each rendering masks Django's token in another way.
      return nameOf(child) === "FORM" && whole.find((one) => parentOf(one) === parent && !matched.has(one) &&
        places.get(one) >= places.get(next) && nameOf(one) === "FORM" && aboutOf(one) === aboutOf(child));
    }
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
    const chosen = name === "SELECT" && selectedIn(node);
    changeAttributes(node, other);
    if (name === "TEMPLATE") {
      node.content.replaceChildren(clone(other.content, true));
    }
    changeChildren(node, other);
    if (chosen) {
      for (const option of node.options) {
        option.selected = isTheirs ? chosen.includes(option.value) : other.options[option.index]?.selected;
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
    if (name === "style") {
      // Browsers write there what a person has made larger.
      return nameOf(node) === "TEXTAREA" && (node.style.height || node.style.width);
    }
    return /^(value|checked)$/.test(name) && changed.has(node);
  }
}

/** @param {any} node @returns {boolean} */
function isAnElement(node) {
  return nameOf(node)[0] !== "#";
}

/** @param {Iterable<any>} nodes @param {any} root @returns {Set<any>} they, and what contains them in the root */
function above(nodes, root) {
  const found = new Set();
  for (let node of nodes) {
    for (; node !== root && !found.has(node); node = parentOf(node)) {
      found.add(node);
    }
  }
  return found;
}
