/**
 * Whether the pages of this origin remember a way (memory.js).
 */

export const KEY = "sockgate-way";

/**
 * @param {any} page  a window
 * @returns {boolean}
 */
export function hasMemory(page) {
  // A browser that blocks cookies throws.
  try {
    return !!page.localStorage.getItem(KEY);
  } catch (error) {
    return false;
  }
}
