/**
 * What a person has typed or chosen: it is theirs until the server has taken it, and the server's from then on.
 */

const FIELDS = "input,textarea,select,[contenteditable]";
/** Nobody types into these. */
const NO_INPUT = /^(hidden|submit|button|reset|image)$/;

/** @param {Element} element @returns {any[]} */
export function fieldsOf(element) {
  return [...element.querySelectorAll(FIELDS)].filter(isField);
}

/** @param {any} node @returns {boolean} */
export function isField(node) {
  return node.matches(FIELDS) && !NO_INPUT.test(node.type);
}

/** @param {any} field @returns {any} */
function valueOf(field) {
  if (field.type === "checkbox" || field.type === "radio") {
    return field.checked;
  }
  return field.localName === "select" ? selectedIn(field).join("\n") : field.value ?? field.textContent;
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
  const [value, taken] = [field, fresh].map((one) => (field === field.ownerDocument.activeElement ? valueOf(one) : `${valueOf(one)}`.trim()));
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
  const marked = options.filter((option) => option.defaultSelected);
  // Without `multiple`, the browser has chosen: the last one that is marked, else the first one that can be.
  const byDefault = select.multiple ? marked : [marked.pop() || options.find((option) => !option.disabled)];
  return (select.multiple || select.selectedIndex >= 0) && options.some((option) => option.selected !== byDefault.includes(option));
}
