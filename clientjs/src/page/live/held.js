/**
 * What no refresh may touch until the server has taken it: forms that the server has answered with errors, and fields that a
 * script of the page has brought (htmx, Turbo), with all that stands around them; and editors that somebody has typed into.
 *
 * Strategy: elements that the server has rendered for a GET, at the load or in a refresh, are known. Whatever else has a field is
 * the viewer's: its values count as typed, since the value of a form that was sent and refused is the value that the server has
 * rendered. It is let go when the fresh page has a form with the same values, with errors only if it had other ones before.
 */
import { FIELDS, fieldsOf, formOf, hiddenIn, isField, isTakenIn, nameAndValueOf } from "./fields.js";
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
  /** Forms with Django's token. @type {WeakSet<Element>} */
  const genuine = new WeakSet();
  /** What the server has rendered, also where it is the viewer's; hidden fields with what it has written. @type {WeakMap<Element, string>} */
  const written = new WeakMap();
  /** What the server had not taken. @type {WeakSet<Element>} */
  const differing = new WeakSet();

  /**
   * @param {any} element  a fragment as the server has rendered it
   * @param {any[]} held  what was left alone
   * @param {{token?: string, url?: any}} data  without an address, it was rendered for a POST: forms with Django's token show what
   *   was typed, and have errors in them or beside them. Without a token, all forms do
   * @param {function(any): any} isSet  a script has set a hidden field
   */
  function know(element, held, { token, url }, isSet) {
    for (const one of [element, ...findIn(element, "*")]) {
      if (!held.some((other) => contains(other, one))) {
        known.add(one);
        ids.add(attributeOf(one, "id") || 0);
        if (!isSet(one)) {
          written.set(one, nameAndValueOf(one));
        }
      }
    }
    for (const form of findIn(element, "form")) {
      if (token && hasToken(form, token)) {
        genuine.add(form);
      }
    }
    for (const one of url ? [] : findIn(element, THEIRS)) {
      if (!token || hasToken(matches(one, ERRORS) ? parentOf(one) : formOf(one) || one, token)) {
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
    const errors = unknown.filter((one) => matches(one, ERRORS));
    const all = fieldsOf(element);
    const held = new Set();
    // Forms, and fields without one.
    const keys = new Set(unknown.map((one) => formOf(one) || (isField(one) && one)).filter((one) => one));
    for (const key of keys) {
      const fields = all.filter((field) => field === key || field.form === key);
      if (!fields.every((field) => isTakenIn(field, element, fresh))) {
        differing.add(key);
      } else if (differing.has(key) || !errors.some((error) => contains(parentOf(key), error))) {
        continue;
      }
      // What was refused stays, too, where the server shows the same: nothing.
      for (const one of isInDoubt ? fields : [key, ...fields]) {
        if (!known.has(one) && contains(element, one)) {
          held.add(placeOf(one, element, isInDoubt));
        }
      }
    }
    return [...held, ...(held.size || !keys.size ? errors : [])];
  }

  /** @param {any} element @returns {any[]} hidden fields that a script has set, such as the count of a formset */
  const setIn = (element) => hiddenIn(element).filter((one) => written.get(one) !== nameAndValueOf(one));

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
      place = known.has(node) || (isInDoubt && (written.has(node) || ids.has(attributeOf(node, "id")))) ? place : node;
    }
    const parent = parentOf(place);
    return isInDoubt || [...childNodesOf(parent)].some((one) => known.has(one) && nameOf(one) !== "SCRIPT") ? place : parent;
  }

  /**
   * @param {string | undefined} token  of the fresh page; without one, nothing is known of its forms
   * @returns {function(any): any} Django has written a form, of the page or of the fresh one
   */
  const isGenuine = (/** @type {string | undefined} */ token) => (/** @type {any} */ form) => token && (genuine.has(form) || !!hasToken(form, token));

  page.addEventListener("input", (/** @type {any} */ { target }) => target.isContentEditable && known.delete(target), true);
  return { know, heldIn, setIn, isGenuine };
}

/** @param {any} element @param {string} token @returns {any} */
function hasToken(element, token) {
  return findIn(element, `[value="${token}"]`)[0];
}
