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

/** Attributes (`hx-post`, `hx-put`, `hx-patch` among them) that say which object a form is about, or a part without one. */
const ABOUT = /^(action|(data-)?(pk|hx-(p.+t.*|delete|vals)))$/;
/** Names of hidden fields that say it, too. */
const KEY = /^(\D*[-_])?(pk|id)$/;

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
 * @param {any} element  in which it is
 * @param {any} fresh
 * @returns {boolean} it has a field of this name, with this value, for this object
 */
export function isTakenIn(field, element, fresh) {
  return fieldsOf(fresh).some(
    (other) => other.name === field.name && other.id === field.id && isTaken(field, other) && keyOf(partOf(other, fresh)) === keyOf(partOf(field, element))
  );
}

/** @param {any} one  an element @returns {any} the form that it is, or belongs to as a field */
export function formOf(one) {
  return matches(one, FIELDS) ? one.form : nameOf(one) === "FORM" && one;
}

/** @param {any} one  an element @returns {string} what its own attributes say of its object */
export function aboutOf(one) {
  return [...attributesOf(one)].map(({ name, value }) => (ABOUT.test(name) && !/csrf/i.test(value) ? name + value : "")).join("");
}

/** @param {any} part @returns {string} the object that it is about */
export function keyOf(part) {
  return aboutOf(part) + hiddenIn(part).map((one) => (KEY.test(one.name) ? nameAndValueOf(one) : "")).join("");
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
 * @returns {{parts: Map<any, any>, bound: any[]}} forms, and parts without one, in which something is typed that the server has not
 *   taken, by field and part; those that the fresh element has for other objects or versions only
 */
export function typedIn(element, fresh, set) {
  const parts = new Map();
  /** @type {any[]} */
  const bound = [];
  for (const field of changedIn(closest(element, "form") || element)) {
    if (!isTakenIn(field, element, fresh)) {
      const own = partOf(field, element);
      const part = contains(element, own) ? own : element;
      parts.set(field, part).set(part, part);
      if (![fresh, ...findIn(fresh, nameOf(part))].some((other) => isAbout(part, other, set))) {
        bound.push(part);
      }
    }
  }
  return { parts, bound };
}

/** @param {any} one @param {any} element @returns {any} its form; without one, the outermost element around it that is about an object, else itself */
function partOf(one, element) {
  let part = formOf(one);
  for (let node = part ? element : one; node !== element && contains(element, node); node = parentOf(node)) {
    part = aboutOf(node) ? node : part;
  }
  return part || one;
}

/** @param {any} field @returns {any} the name that radios of a group share; another field */
const radioOf = (field) => (field.type === "radio" ? field.name : field);

/** @param {Element} element @returns {any[]} fields that the viewer has changed, and all radios of a group */
export function changedIn(element) {
  const own = new Set(fieldsOf(element));
  // Radios without a form share their names with those of the whole page.
  /** @type {any} */
  const groups = [...groupBy(new Set([...findAll(globalThis, "[type=radio]"), ...own]), ({ form }) => form).values()];
  return groups.flatMap((/** @type {any[]} */ fields) => {
    // What the browser makes of the attributes: the middle of a range, black, the first option that can be chosen, the last radio.
    const form = documentOf(globalThis, "createElement").call(document, "form");
    const { reset } = form;
    const unchanged = fields.map((one) => clone(one, true));
    unchanged.forEach((one) => one.removeAttribute("form"));
    form.append(...unchanged);
    reset.call(form);
    const keys = new Set(fields.map((one, place) => valueOf(one) !== valueOf(unchanged[place]) && radioOf(one)));
    return fields.filter((one) => own.has(one) && keys.has(radioOf(one)));
  });
}
