/**
 * What no refresh may touch until the server has taken it: forms that the server has answered with errors, and fields that a
 * script of the page has brought (htmx, Turbo), with all that stands around them; and editors that somebody has typed into.
 *
 * Strategy: elements that the server has rendered for a GET, at the load or in a refresh, are known. Whatever else has a field is
 * the viewer's: its values count as typed, since the value of a form that was sent and refused is the value that the server has
 * rendered. It is let go when the fresh page has a form with the same values.
 */
import { fieldsOf, isField, isTakenIn } from "./fields.js";

/** What Django shows for a form that it has refused. */
const ERRORS = ".errorlist,[role=alert]";
const THEIRS = `form,input,textarea,select,${ERRORS}`;

/** @param {any} page  the window */
export function heldOf(page) {
  /** @type {WeakSet<Element>} */
  const known = new WeakSet();
  /** Values of hidden fields, as the server has rendered them. @type {WeakMap<Element, string>} */
  const rendered = new WeakMap();

  /**
   * @param {any} element  a fragment as the server has rendered it
   * @param {any[]} held  what was left alone
   */
  function know(element, held) {
    for (const one of [element, ...element.querySelectorAll("*")]) {
      if (!held.some((other) => other.contains(one))) {
        known.add(one);
        rendered.set(one, one.value);
      }
    }
  }

  /**
   * @param {any} element  a fragment
   * @param {Element} fresh
   * @returns {any[]} what must be left alone
   */
  function heldIn(element, fresh) {
    const unknown = [...element.querySelectorAll("*")].filter((one) => !known.has(one));
    /** By form, or by field without one. @type {Map<any, boolean>} */
    const taken = new Map();
    const held = new Set();
    for (const field of unknown.filter(isField)) {
      const form = element.contains(field.form) && field.form;
      const key = form || field;
      if (!taken.has(key)) {
        taken.set(key, form ? isFormTaken(form, fresh) : isTakenIn(field, fresh));
      }
      if (!taken.get(key)) {
        held.add(placeOf(field, element));
      }
    }
    return [...held, ...unknown.filter((one) => held.size && one.matches(ERRORS))];
  }

  /**
   * @param {any} field
   * @param {Element} element
   * @returns {any} all that was brought with it; its parent where that has nothing else
   */
  function placeOf(field, element) {
    let place = field;
    for (let node = field; node !== element; node = node.parentElement) {
      place = known.has(node) ? place : node;
    }
    const { parentElement } = place;
    return [...parentElement.children].some((one) => known.has(one) && one.localName !== "script") ? place : parentElement;
  }

  page.document.addEventListener("input", (/** @type {any} */ { target }) => target.isContentEditable && known.delete(target), true);
  return {
    know,
    heldIn,
    /** @param {any} element @returns {Set<any>} hidden fields that a script has set, such as the count of a formset */
    setIn: (element) => new Set([...element.querySelectorAll("[type=hidden]")].filter((one) => rendered.has(one) && rendered.get(one) !== one.value)),
    /** @param {any} element  a fragment that was rendered for a POST, so that its forms show what was typed */
    knowPosted: (element) => know(element, [...element.querySelectorAll(THEIRS)])
  };
}

/** @param {any} form @param {Element} fresh */
function isFormTaken(form, fresh) {
  return [...fresh.querySelectorAll("form")].some(
    (other) => other.getAttribute("action") === form.getAttribute("action") && fieldsOf(form).every((field) => isTakenIn(field, other))
  );
}
