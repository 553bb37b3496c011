/**
 * What nodes have themselves. A form shows its fields as properties, by their names and ids, even in place of its own: with
 * `<input name="children">` in it, `form.children` is that field. So properties of anything that may be a form come from here.
 */

/** @param {string} name @returns {function(any): any} */
const property = (name) => (node) => Reflect.get(Element.prototype, name, node);

/** @param {string} name @param {string} [other]  where browsers lack the first @returns {function(any, ...any): any} */
export const method = (name, other = "") => (node, ...given) => (property(name)(node) || property(other)(node)).apply(node, given);

export const attributesOf = property("attributes");
export const childNodesOf = property("childNodes");
export const nextElementOf = property("nextElementSibling");
export const nextOf = property("nextSibling");
/** In capitals. */
export const nameOf = property("nodeName");
export const parentOf = property("parentNode");
export const ownerOf = property("ownerDocument");
export const isConnected = property("isConnected");
export const attributeOf = method("getAttribute");
export const clone = method("cloneNode");
export const closest = method("closest");
export const contains = method("contains");
export const dispatch = method("dispatchEvent");
export const findIn = method("querySelectorAll");
export const insert = method("insertBefore");
export const isEqual = method("isEqualNode");
export const matches = method("matches");
/** The first one keeps focus and frames. */
export const move = method("moveBefore", "insertBefore");
export const replaceChildren = method("replaceChildren");

/** @param {any} node  with a parent */
export const remove = (node) => method("removeChild")(parentOf(node), node);

/**
 * @param {Iterable<any>} items
 * @param {function(any): any} keyOf
 * @returns {Map<any, any[]>}
 */
export function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    groups.get(key)?.push(item) ?? groups.set(key, [item]);
  }
  return groups;
}
