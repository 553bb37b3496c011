/**
 * Whether the developer has hidden the badge in this tab.
 */

var KEY = "sockgate-badge-hidden";

/** Hide the badge on the next pages of this tab. */
export function hide() {
  try {
    sessionStorage.setItem(KEY, "1");
  } catch (error) {
    // The page has no storage, so the next page shows the badge again.
  }
}

/** @returns {boolean} */
export function isHidden() {
  try {
    return sessionStorage.getItem(KEY) !== null;
  } catch (error) {
    return false;
  }
}
