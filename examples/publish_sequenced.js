// Publish in sequence with nothing but Node.js: what plain PUBLISH is to publish.js, one script of
// Sockgate's is to this, called by its SHA-1; Redis is given its text when it does not know it.
//   node publish_sequenced.js redis://127.0.0.1:6379 room:7 "Djangocon 2012" [idempotency key]
const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");

const lua = path.join(__dirname, "../gateway/wire/lua/publish.lua");
const script = fs.readFileSync(lua, "utf8");
const sha1 = crypto.createHash("sha1").update(script).digest("hex");

const [url, channel, title, key] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const tag = `{rt:${channel}}`;
const position = `sockgate:offset:${tag}`;
const name = key ? `sockgate:published:${tag}:${key}` : position;
const keys = [`sockgate:history:${tag}`, position, name];

const payload = JSON.stringify({ event: "news", data: { title } });
const epoch = crypto.randomBytes(8).toString("hex"); // should the channel have none
const [kept, hour, month] = [100, 3600e3, 30 * 86400e3]; // publications, milliseconds
const values = [`rt:${channel}`, payload, epoch, kept, hour, key ? hour : 0, "PUBLISH", month];

function send(socket, ...command) {
  const words = [...command, keys.length, ...keys, ...values].map(String);
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${bulk.join("")}`);
}

const socket = net.connect(port || 6379, hostname, () => send(socket, "EVALSHA", sha1));
socket.on("data", (data) => {
  const reply = String(data);
  if (reply.startsWith("-NOSCRIPT")) return send(socket, "EVAL", script);
  // Epoch, offset, whether it is new, how many workers heard it.
  console.log(reply.split("\r\n").slice(2, -1).join(" ").replaceAll(":", ""));
  process.exitCode = reply.startsWith("*") ? 0 : 1;
  socket.end();
});
