/**
 * SockJS inside of the build, in place of a script that is loaded.
 */
import openSockJS from "./open.js";

/** @type {import("../script.js").LoadSockJS} */
export function loadInside(_url, _page, callback) {
  callback(openSockJS);
}
