/* sockjs-client under Node.js: each line of the input is sent, each line of the output is an event.

   node sockjs.cjs URL TRANSPORT */
"use strict";

const { createInterface } = require("node:readline");
const SockJS = require("../../clientjs/node_modules/sockjs-client");

const [url, transport] = process.argv.slice(2);
const socket = new SockJS(url, null, { transports: [transport] });

function tell(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

socket.onopen = () => tell({ transport: socket.transport });
socket.onmessage = (event) => tell({ frame: JSON.parse(event.data) });
socket.onclose = ({ code, reason }) => {
  tell({ close: [code, reason] });
  process.exit();
};

createInterface({ input: process.stdin })
  .on("line", (line) => socket.send(line))
  .on("close", () => process.exit());
