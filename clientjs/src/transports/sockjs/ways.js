/**
 * SockJS in a script of its own, with all ways to connect: what the small script loads where the raw
 * WebSocket fails (transports/starter.js).
 */
import { openerWith } from "../complete.js";
import openSockJS from "./open.js";
import { loadInside } from "./inside.js";

/** @type {any} */
const opening = openSockJS;
opening.opener = openerWith(loadInside);

export default opening;
