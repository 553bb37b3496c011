/**
 * All ways to connect, for a client.
 */
import { Memory } from "./memory.js";
import { Opener } from "./opener.js";

/**
 * @param {import("./script.js").LoadSockJS} loadSockJS
 * @returns {import("./starter.js").MakeOpener}
 */
export function openerWith(loadSockJS) {
  return (settings, page, clock) =>
    new Opener({
      settings,
      page,
      clock,
      memory: new Memory(page, unixMs),
      loadSockJS
    });
}

function unixMs() {
  return new Date().getTime();
}
