// A publication of @socket.io/redis-emitter: "<channel> <payload in hex>".
// argv: the data of the event, and a room or nothing.
"use strict";
const { Emitter } = require("@socket.io/redis-emitter");

const [data, room] = process.argv.slice(2);
const emitter = new Emitter({
  publish: (channel, payload) => console.log(channel, Buffer.from(payload).toString("hex")),
});
(room ? emitter.to(room) : emitter).emit("news", data);
