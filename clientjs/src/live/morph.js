/**
 * Change an element of the page into a fresh one, and leave alone what belongs to the viewer: focus, what they have typed or
 * chosen, opened `details`, scroll positions, and elements with `data-sockgate-keep`.
 */
// @ts-ignore
import { Idiomorph } from "idiomorph";

const FIELDS = "input,textarea,select";

/**
 * @param {Element} element  of the page
 * @param {Element} fresh  of another document, from which it is taken; nothing in it is loaded before it is in the page
 */
export function morph(element, fresh) {
  removeScripts(fresh);
  // What is changed is decided before anything changes: new defaults must not look like input.
  const kept = new Set([...element.querySelectorAll(FIELDS)].filter(isChanged));
  const active = element.ownerDocument.activeElement;
  if (active && active.matches(FIELDS)) {
    kept.add(active);
  }
  /** @param {any} node */
  const isKept = (node) => node.nodeType === 1 && node.hasAttribute("data-sockgate-keep");
  Idiomorph.morph(element, fresh, {
    callbacks: {
      /** @param {any} node */
      beforeNodeMorphed: (node) => !(isKept(node) || isLeftAlone(node, kept, active)),
      /** @param {any} node */
      beforeNodeRemoved: (node) => !isKept(node),
      /** @param {string} name @param {any} node */
      beforeAttributeUpdated: (name, node) => !isOfViewer(name, node, kept)
    }
  });
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

/**
 * @param {any} node
 * @param {Set<Element>} kept
 * @param {Element | null} active
 */
function isLeftAlone(node, kept, active) {
  // Where scripts run, the content of noscript is text, and in a parsed document it is elements.
  return node.localName === "noscript" || (node.localName === "textarea" && kept.has(node)) ||
    (node === active && node.isContentEditable);
}

/**
 * @param {string} name  of an attribute
 * @param {any} node
 * @param {Set<Element>} kept
 * @returns {boolean} the viewer has set it
 */
function isOfViewer(name, node, kept) {
  if (name === "open") {
    return node.localName === "details" || node.localName === "dialog";
  }
  if (name === "selected") {
    return kept.has(node.closest("select"));
  }
  return (name === "value" || name === "checked") && kept.has(node);
}

/** @param {any} field @returns {boolean} the viewer has changed it */
function isChanged(field) {
  if (field.localName === "select") {
    return isSelectChanged(field);
  }
  if (field.type === "radio") {
    const group = (field.form || field.ownerDocument).querySelectorAll("input[type=radio]");
    return [...group].some((other) => other.name === field.name && other.checked !== other.defaultChecked);
  }
  return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

/** @param {HTMLSelectElement} select */
function isSelectChanged(select) {
  const options = [...select.options];
  const byDefault = options.filter((option) => option.defaultSelected);
  if (!select.multiple && byDefault.length !== 1) {
    // The browser has chosen: the last one that is selected, else the first one that can be.
    const first = byDefault.pop() || options.find((option) => !option.disabled);
    return select.selectedIndex >= 0 && options[select.selectedIndex] !== first;
  }
  return options.some((option) => option.selected !== option.defaultSelected);
}
