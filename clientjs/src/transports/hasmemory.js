/**
 * Whether the pages of this tab remember a way (memory.js).
 */

export var KEY = "sockgate-way";

/**
 * @param {any} page  a window
 * @returns {boolean}
 */
export function hasMemory(page) {
  // A browser that blocks cookies throws.
  try {
    return !!page.sessionStorage.getItem(KEY);
  } catch (error) {
    return false;
  }
}
