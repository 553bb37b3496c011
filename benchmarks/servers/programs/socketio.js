// Socket.IO 4 as its documentation sets it up for production: Redis adapter, bufferutil, the
// initial request discarded ("Performance tuning"). argv: port, Redis port.
"use strict";
const { createServer } = require("http");
const { createAdapter } = require("@socket.io/redis-adapter");
const { createClient } = require("redis");
const { Server } = require("socket.io");

async function main(port, redisPort) {
  const publisher = createClient({ url: `redis://127.0.0.1:${redisPort}` });
  const subscriber = publisher.duplicate();
  await Promise.all([publisher.connect(), subscriber.connect()]);
  const http = createServer();
  const io = new Server(http, {
    adapter: createAdapter(publisher, subscriber),
    perMessageDeflate: Boolean(process.env.COMPRESSION),
  });
  io.engine.on("connection", (rawSocket) => { rawSocket.request = null; });
  io.on("connection", (socket) => { socket.join(`user:${socket.handshake.auth.user}`); });
  http.listen({ port, host: "127.0.0.1", backlog: 4096 });
}

main(Number(process.argv[2]), Number(process.argv[3]));
