/**
 * What no refresh may touch until the server has taken it: forms that the server has answered with errors, and fields that a
 * script of the page has brought (htmx, Turbo), with all that stands around them; and editors that somebody has typed into.
 *
 * Strategy: elements that the server has rendered for a GET, at the load or in a refresh, are known. Whatever else has a field is
 * the viewer's: its values count as typed, since the value of a form that was sent and refused is the value that the server has
 * rendered. It is let go when the fresh page has a form with the same values.
 */
import { FIELDS, fieldsOf, isField, isTakenIn } from "./fields.js";
import { attributeOf, childNodesOf, contains, findIn, matches, nameOf, parentOf } from "./nodes.js";

/** What Django shows for a form that it has refused. */
const ERRORS = ".errorlist,[role=alert]";
const THEIRS = `form,${FIELDS},${ERRORS}`;

/** @param {any} page  the window */
export function heldOf(page) {
  /** @type {WeakSet<Element>} */
  const known = new WeakSet();
  /** Those of elements that were known. @type {Set<string | 0 | null>} */
  const ids = new Set();
  /** They, and those that are the viewer's though the server has rendered them. @type {WeakSet<Element>} */
  const rendered = new WeakSet();

  /**
   * @param {any} element  a fragment as the server has rendered it
   * @param {any[]} held  what was left alone
   * @param {string} [token]  it was rendered for a POST: forms with this token, which content of users cannot have, show what was typed,
   *   and have errors in them or beside them. Empty: Django has found none, and all forms do
   */
  function know(element, held, token) {
    for (const one of [element, ...findIn(element, "*")]) {
      if (!held.some((other) => contains(other, one))) {
        known.add(one);
        ids.add(attributeOf(one, "id") || 0);
        rendered.add(one);
      }
    }
    for (const one of token == null ? [] : findIn(element, THEIRS)) {
      const place = matches(one, ERRORS) ? parentOf(one) : (isField(one) && one.form) || one;
      if (!token || findIn(place, `[value="${token}"]`)[0]) {
        known.delete(one);
      }
    }
  }

  /**
   * @param {any} element  a fragment
   * @param {Element} fresh
   * @param {boolean} isInDoubt  what the fresh one lacks may be what the viewer may not see any more
   * @returns {any[]} what must be left alone
   */
  function heldIn(element, fresh, isInDoubt) {
    const unknown = [...findIn(element, "*")].filter((one) => !known.has(one));
    /** By form, or by field without one. @type {Map<any, boolean>} */
    const taken = new Map();
    const held = new Set();
    for (const field of unknown.filter(isField)) {
      const form = contains(element, field.form) && field.form;
      const key = form || field;
      if (!taken.has(key)) {
        taken.set(key, form ? isFormTaken(form, fresh) : isTakenIn(field, fresh));
      }
      if (!taken.get(key)) {
        held.add(placeOf(field, element, isInDoubt));
      }
    }
    return [...held, ...unknown.filter((one) => held.size && matches(one, ERRORS))];
  }

  /**
   * @param {any} field
   * @param {any} element
   * @param {boolean} isInDoubt
   * @returns {any} all that was brought with it; its parent where that has nothing else
   */
  function placeOf(field, element, isInDoubt) {
    let place = field;
    for (let node = field; node !== element; node = parentOf(node)) {
      // What is in doubt goes with the row that was rendered, or with what has come in its place.
      place = known.has(node) || (isInDoubt && (rendered.has(node) || ids.has(attributeOf(node, "id")))) ? place : node;
    }
    const parent = parentOf(place);
    return isInDoubt || [...childNodesOf(parent)].some((one) => known.has(one) && nameOf(one) !== "SCRIPT") ? place : parent;
  }

  page.addEventListener("input", (/** @type {any} */ { target }) => target.isContentEditable && known.delete(target), true);
  return { know, heldIn };
}

/** @param {any} form @param {Element} fresh */
function isFormTaken(form, fresh) {
  return [...findIn(fresh, "form")].some(
    (other) => attributeOf(other, "action") === attributeOf(form, "action") && fieldsOf(form).every((field) => isTakenIn(field, other))
  );
}
