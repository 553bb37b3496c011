/** As much of sockjs-client as is used here. */
declare module "sockjs-client" {
  const SockJS: import("./socket.js").SockJSClass;
  export default SockJS;
}
