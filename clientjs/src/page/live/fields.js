/**
 * What a person has typed or chosen: it is theirs until the server has taken it, and the server's from then on.
 */
import { documentOf, findAll } from "../../base/globals.js";
import { attributesOf, clone, closest, contains, findIn, groupBy, matches, nameOf, parentOf } from "./nodes.js";

/** A form shows its own fields as properties, so it is no field, whatever a sanitizer has left on it. */
export const FIELDS = "input,textarea,select,[contenteditable]:not(form)";
/** Nobody types into these. */
const NO_INPUT = /^(hidden|submit|button|reset|image)$/;

/** @param {Element} element @returns {any[]} */
export function fieldsOf(element) {
  return [...findIn(element, FIELDS)].filter(isField);
}

/** Attributes that say which object a form is about, or a part without one. */
const ABOUT = /^((form)?action|(data-)?(pk|hx-(post|put|patch|delete|vals)))$/;

/** @param {any} element @returns {any[]} without Django's token, which is another one in each page */
export const hiddenIn = (element) => [...findIn(element, "[type=hidden]:not([name=csrfmiddlewaretoken])")];
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
  // Browsers write spaces and the end of an edited line in their own way.
  return field.selectedOptions ? selectedIn(field).join("\n") : "defaultValue" in field ? field.value : field.innerHTML.replace(/&nbsp;/g, " ").replace(/<br>$/, "");
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
  // 2.50 and 2.5 are one number, and Django writes the second one.
  const [value, taken] = [field, fresh].map((one) => (isActive ? valueOf(one) : isNaN(one.valueAsNumber) ? `${valueOf(one)}`.trim() : one.valueAsNumber));
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

/** @param {any} field @returns {any} */
const ownerOf = (field) => field.form && aboutOf(field.form);

/** @param {any} one  an element @returns {string} what its own attributes say of its object */
export function aboutOf(one) {
  const about = [...attributesOf(one)].filter(({ name, value }) => ABOUT.test(name) && !/csrf/i.test(value));
  return about.map(({ name, value }) => name + value).join();
}

/**
 * @param {any} part  of the page
 * @param {any} fresh
 * @param {any[]} set  hidden fields that a script has set, which say nothing
 * @returns {boolean} it is about the same object, in the same version
 */
export function isAbout(part, fresh, set) {
  const values = hiddenIn(fresh).map(nameAndValueOf);
  return aboutOf(part) === aboutOf(fresh) && hiddenIn(part).every((one) => set.includes(one) || values.includes(nameAndValueOf(one)));
}

/**
 * What a person types is about the object that its form was rendered for: the row of a formset, the version that was seen.
 *
 * @param {any} element
 * @param {any} fresh
 * @param {any[]} set
 * @returns {any[]} forms, and parts without one, in which something is typed that the server has not taken, and that the fresh
 *   element has for other objects only
 */
export function boundIn(element, fresh, set) {
  return changedIn(closest(element, "form") || element)
    .filter((field) => !isTakenIn(field, fresh))
    .map((field) => field.form || partOf(field, element))
    .map((part) => (contains(element, part) ? part : element))
    .filter((part) => ![fresh, ...findIn(fresh, nameOf(part))].some((other) => isAbout(part, other, set)));
}

/** @param {any} field  without a form @param {any} element @returns {any} the outermost element around it that is about an object, else itself */
function partOf(field, element) {
  let part = field;
  for (let node = field; node !== element; node = parentOf(node)) {
    part = aboutOf(node) ? node : part;
  }
  return part;
}

/** @param {Element} element @returns {any[]} fields that the viewer has changed */
export function changedIn(element) {
  /** Of several radios that the page has checked, the browser takes the last one. */
  const changed = new Set();
  groupBy(findAll(globalThis, "[type=radio]"), ({ form }) => form).forEach((radios) =>
    groupBy(radios, ({ name }) => name).forEach((group) => {
      if (group.find((one) => one.checked) !== group.filter((one) => one.defaultChecked).pop()) {
        group.forEach((one) => changed.add(one));
      }
    })
  );
  return fieldsOf(element).filter((field) => (field.type === "radio" ? changed.has(field) : isChanged(field)));
}

/** @param {any} field @returns {boolean} */
function isChanged(field) {
  // What the browser makes of the attributes: the middle of a range, black, the first option that can be chosen.
  const form = documentOf(globalThis, "createElement").call(document, "form");
  const { reset } = form;
  const unchanged = clone(field, true);
  form.append(unchanged);
  reset.call(form);
  return valueOf(field) !== valueOf(unchanged);
}
