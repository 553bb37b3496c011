/**
 * What a person has typed or chosen: it is theirs until the server has taken it, and the server's from then on.
 */
import { documentOf } from "../../base/globals.js";
import { clone, findIn, matches } from "./nodes.js";

/** A form shows its own fields as properties, so it is no field, whatever a sanitizer has left on it. */
export const FIELDS = "input,textarea,select,[contenteditable]:not(form)";
/** Nobody types into these. */
const NO_INPUT = /^(hidden|submit|button|reset|image)$/;

/** @param {Element} element @returns {any[]} */
export function fieldsOf(element) {
  return [...findIn(element, FIELDS)].filter(isField);
}

/** @param {any} node @returns {boolean} */
export function isField(node) {
  return matches(node, FIELDS) && !NO_INPUT.test(node.type);
}

/** @param {any} field @returns {any} */
function valueOf(field) {
  if (/^(checkbox|radio)$/.test(field.type)) {
    return field.checked;
  }
  return field.selectedOptions ? selectedIn(field).join("\n") : field.value ?? field.textContent;
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
 * @param {any} fresh  a form or fragment of the fresh page
 * @returns {boolean} it has a field of this name, with this value
 */
export function isTakenIn(field, fresh) {
  return fieldsOf(fresh).some((other) => other.name === field.name && other.id === field.id && isTaken(field, other));
}

/** @param {any} field @returns {boolean} the viewer has changed it */
export function isChanged(field) {
  if (field.type === "radio") {
    const group = findIn(field.form || documentOf(globalThis, "body"), "[type=radio]");
    return [...group].some((other) => other.name === field.name && other.checked !== other.defaultChecked);
  }
  // What the browser makes of the attributes: the middle of a range, black, the first option that can be chosen.
  const form = documentOf(globalThis, "createElement").call(document, "form");
  const { reset } = form;
  const unchanged = clone(field, true);
  form.append(unchanged);
  reset.call(form);
  return valueOf(field) !== valueOf(unchanged);
}
