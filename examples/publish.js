// Publish from Node.js without any package. One Redis command is enough:
//   node publish.js redis://127.0.0.1:6379 rt:user:1 "Djangocon 2012"
const net = require("node:net");

const [url, channel, title] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const words = ["PUBLISH", channel, JSON.stringify({ event: "news", data: { title } })];
const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);

const socket = net.connect(port || 6379, hostname);
socket.write(`*${words.length}\r\n${bulk.join("")}`);
socket.once("data", (reply) => {
  console.log(String(reply).trim());
  process.exitCode = reply[0] === ":".charCodeAt(0) ? 0 : 1;
  socket.end();
});
