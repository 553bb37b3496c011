interface Window {
  /** SockJS, loaded as a script of its own. */
  SockgateSockJS?: import("./transports/script.js").OpenSockJS;

  /** The connection for all tabs, loaded as a script of its own or imported. */
  SockgateShared?: { open: Function };
}
