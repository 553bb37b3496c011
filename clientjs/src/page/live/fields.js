/**
 * What a person has typed or chosen: it is theirs until the server has taken it, and the server's from then on.
 */
import { documentOf, findAll } from "../../base/globals.js";
import { attributeOf, clone, findIn, matches, nameOf } from "./nodes.js";

/** A form shows its own fields as properties, so it is no field, whatever a sanitizer has left on it. */
export const FIELDS = "input,textarea,select,[contenteditable]:not(form)";
/** Nobody types into these. */
const NO_INPUT = /^(hidden|submit|button|reset|image)$/;

/** @param {Element} element @returns {any[]} */
export function fieldsOf(element) {
  return [...findIn(element, FIELDS)].filter(isField);
}

/** @param {any} element @returns {any[]} */
export const hiddenIn = (element) => [...findIn(element, "[type=hidden]")];
/** @param {any} field @returns {string} */
export const nameAndValueOf = ({ name, value }) => `${name}=${value}`;

/** @param {any} node @returns {boolean} */
export function isField(node) {
  return matches(node, FIELDS) && !NO_INPUT.test(node.type);
}

/** @param {any} field @returns {any} */
function valueOf(field) {
  if (/^(checkbox|radio)$/.test(field.type)) {
    return field.checked;
  }
  return field.selectedOptions ? selectedIn(field).join("\n") : "defaultValue" in field ? field.value : field.textContent;
}

/** @param {any} select @returns {string[]} */
export function selectedIn(select) {
  return [...select.selectedOptions].map(({ value }) => value);
}

/**
 * @param {any} field  of the page
 * @param {any} fresh  the same one of the fresh page
 * @returns {boolean} the server has taken what the field shows
 */
export function isTaken(field, fresh) {
  // Django strips what was typed. Whoever goes on typing needs the space.
  const isActive = field === documentOf(globalThis, "activeElement");
  const [value, taken] = [field, fresh].map((one) => (isActive ? valueOf(one) : `${valueOf(one)}`.trim()));
  return value === taken;
}

/**
 * @param {any} field  of the page
 * @param {any} fresh  a fragment of the fresh page
 * @returns {boolean} it has a field of this name, with this value, in such a form
 */
export function isTakenIn(field, fresh) {
  return fieldsOf(fresh).some((other) => ownerOf(other) === ownerOf(field) && other.name === field.name && other.id === field.id && isTaken(field, other));
}

/** @param {any} one  an element @returns {any} the form that it is, or belongs to as a field */
export function formOf(one) {
  return isField(one) ? one.form : nameOf(one) === "FORM" && one;
}

/**
 * What is typed into a form never becomes part of another one.
 *
 * @param {any} one  an element
 * @param {function(any): boolean} [isGenuine]  Django has written a form
 * @returns {any} something of its form
 */
export function ownerOf(one, isGenuine) {
  const form = formOf(one);
  return form && (isGenuine?.(form) || attributeOf(form, "action"));
}

/** @param {any} field @returns {boolean} the viewer has changed it */
export function isChanged(field) {
  if (field.type === "radio") {
    // Of several that the page has checked, the browser takes the last one.
    const group = [...findAll(globalThis, "[type=radio]")].filter((other) => other.form === field.form && other.name === field.name);
    const [last] = group.filter((other) => other.defaultChecked).slice(-1);
    return group.some((other) => other.checked !== (other === last));
  }
  // What the browser makes of the attributes: the middle of a range, black, the first option that can be chosen.
  const form = documentOf(globalThis, "createElement").call(document, "form");
  const { reset } = form;
  const unchanged = clone(field, true);
  form.append(unchanged);
  reset.call(form);
  return valueOf(field) !== valueOf(unchanged);
}
