/**
 * `sockgate/state`, and the script `sockgate-state.js` with the global `SockgateState`: the state of a channel, for every
 * build of the client. A subscription of the module has the same as a method, `room.loadState`.
 */
import { StateLoader } from "./load.js";

/**
 * Load a state, keep it up to date by the publications of a channel, and load it again after a gap.
 *
 * @param {import("../sockgate.js").Subscription<any>} room
 * @param {function({signal: AbortSignal | undefined}): any} load  returns the state, or a promise of it
 * @param {function(any): void} apply  shows the state; publications of now follow
 * @param {import("../sockgate.js").LoadStateOptions<any>} [options]
 * @returns {function(): void} ends it
 */
export function loadState(room, load, apply, options) {
  if (typeof load !== "function" || typeof apply !== "function") {
    throw new TypeError("loadState needs a function that loads the state, and one that applies it");
  }
  const loader = new StateLoader(room, load, apply, options || {});
  return () => loader.stop();
}
