/* sockjs-client under Node.js sends texts to a server that sends them back.

   node echo.cjs URL TRANSPORT ping-pong|batch|close < TEXTS_AS_JSON
   writes {opened, received, close: [code, reason, wasClean], closes} */
"use strict";

const { readFileSync } = require("node:fs");
const SockJS = require("../../clientjs/node_modules/sockjs-client");

const [url, transport, mode] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(0, "utf8"));
const socket = new SockJS(url, null, { transports: [transport] });
const told = { opened: null, received: [], closes: 0 };

socket.onopen = () => {
  told.opened = socket.transport;
  if (mode === "close") socket.close(3000, "User message");
  (mode === "batch" ? texts : texts.slice(0, 1)).forEach((text) => socket.send(text));
};
socket.onmessage = ({ data }) => {
  told.received.push(data);
  if (told.received.length === texts.length) socket.close();
  else if (mode === "ping-pong") socket.send(texts[told.received.length]);
};
socket.onclose = ({ code, reason, wasClean }) => {
  told.closes += 1;
  if (told.closes > 1) return;
  told.close = [code, reason, wasClean];
  socket.close();
  // A second event would come in the next turns.
  setTimeout(() => process.stdout.write(JSON.stringify(told), () => process.exit()), 10);
};
