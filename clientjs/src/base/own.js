/**
 * Objects and lists: what browsers without `Object.keys` and `Array.prototype.filter` lack, and objects as
 * tables by name; and JSON.
 */
import { isForOldBrowsers } from "./age.js";

/**
 * @param {Object<string, any>} object  or a list
 * @param {function(string, any): void} callback  receives each own property; may remove any
 */
export function each(object, callback) {
  if (!isForOldBrowsers) {
    return Object.keys(object).forEach((name) => {
      callback(name, object[name]);
    });
  }
  for (const key in object) {
    if (Object.prototype.hasOwnProperty.call(object, key)) {
      callback(key, object[key]);
    }
  }
}

/**
 * @template T
 * @param {T[]} list
 * @param {T} item
 * @returns {T[]} a new list, without the item
 */
export function without(list, item) {
  if (!isForOldBrowsers) {
    return list.filter((other) => other !== item);
  }
  const kept = [];
  for (let i = 0; i < list.length; i++) {
    if (list[i] !== item) {
      kept.push(list[i]);
    }
  }
  return kept;
}

/**
 * Copy the properties that are not undefined.
 *
 * @param {Object<string, any>} source
 * @param {Object<string, any>} target
 * @returns {any} the target
 */
export function copy(source, target) {
  each(source, (name, value) => {
    if (value !== undefined) {
      target[name] = value;
    }
  });
  return target;
}

/**
 * The key of a name in an object. The prefix keeps names such as "constructor" apart from the properties
 * that every object has.
 *
 * @param {any} name
 */
export function keyOf(name) {
  return "$" + name;
}

/**
 * @param {string} key
 * @returns {string} its name
 */
export function nameOf(key) {
  return key.slice(1);
}

export function nothing() {}

/** @param {string | null} text @returns {any} undefined: it is not JSON */
export function parsed(text) {
  try {
    return JSON.parse(/** @type {string} */ (text));
  } catch (error) {}
}
