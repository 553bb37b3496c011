/**
 * The script that the gateway serves: the global `SockJS` for the iframe of SockJS, and
 * `SockgateSockJS` for a client that has no other place to load SockJS from.
 */
import SockJS from "sockjs-client";

import openSockJS from "./ways.js";

window.SockgateSockJS = openSockJS;

export default SockJS;
