interface Window {
  /** SockJS, loaded as a script of its own. */
  SockgateSockJS?: import("./transports/script.js").OpenSockJS;

  /** The connection for all tabs, loaded as a script of its own or imported. */
  SockgateShared?: { open: Function };

  /** badge.js and other scripts set it, each with the former one inside. Each new client of the page calls it. */
  SockgateBadge?: (
    client: import("./core/client.js").Client,
    events: import("./base/events.js").Events,
    explain: (close: import("./wire/socket.js").Close) => string,
    options?: any
  ) => void;
}
