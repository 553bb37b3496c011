/** The part of sockjs-client that is used here. */
declare module "sockjs-client" {
  const SockJS: import("./wire/socket.js").SockJSClass;
  export default SockJS;
}
