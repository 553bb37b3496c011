// Publish a sequenced publication from Node.js without any package. It calls one Lua script of
// Sockgate by its SHA-1, and sends the script's text when Redis does not have it.
//   node publish_sequenced.js redis://127.0.0.1:6379 room:7 "Djangocon 2012" [idempotency key]
const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");

const lua = path.join(__dirname, "../gateway/sockgate_gateway/wire/lua/publish.lua");
const script = fs.readFileSync(lua, "utf8");
const sha1 = crypto.createHash("sha1").update(script).digest("hex");

const [url, channel, title, key] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const database = Number(pathname.slice(1)); // part of the name in Redis, unless it is 0
const name_in_redis = `${database ? `rt@${database}:` : "rt:"}${channel}`;
const tag = `{${name_in_redis}}`;
const position = `sockgate:offset:${tag}`;
const name = key ? `sockgate:published:${tag}:${key}` : position;
const keys = [`sockgate:history:${tag}`, position, name];

const payload = JSON.stringify({ event: "news", data: { title } });
const epoch = crypto.randomBytes(8).toString("hex"); // used if the channel has no epoch yet
const [kept, hour, month] = [100, 3600e3, 30 * 86400e3]; // publications, milliseconds
const values = [name_in_redis, payload, epoch, kept, hour, key ? hour : 0, "PUBLISH", month];

function send(socket, ...command) {
  const words = [...command, keys.length, ...keys, ...values].map(String);
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${bulk.join("")}`);
}

const socket = net.connect(port || 6379, hostname, () => {
  if (database) socket.write(`SELECT ${database}\r\n`);
  send(socket, "EVALSHA", sha1);
});
socket.on("data", (data) => {
  const reply = String(data).replace(/^\+OK\r\n/, "");
  if (!reply) return;
  if (reply.startsWith("-NOSCRIPT")) return send(socket, "EVAL", script);
  // Epoch, offset, whether the publication is new, number of workers that received it.
  console.log(reply.split("\r\n").slice(2, -1).join(" ").replaceAll(":", ""));
  process.exitCode = reply.startsWith("*") ? 0 : 1;
  socket.end();
});
