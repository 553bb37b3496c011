// sockjs-node as its README and examples show it, fed by Redis. A client's first message names
// its user. argv: port, Redis port.
"use strict";
const http = require("http");
const { createClient } = require("redis");
const sockjs = require("sockjs");

async function main(port, redisPort) {
  const clients = new Set();
  const subscriber = createClient({ url: `redis://127.0.0.1:${redisPort}` });
  await subscriber.connect();
  await subscriber.subscribe("news", (message) => {
    for (const client of clients) client.write(message);
  });

  const push = sockjs.createServer({ log: () => {} });
  push.on("connection", (client) => {
    let channel = null;
    const forward = (message) => client.write(message);
    client.once("data", async (user) => {
      channel = `user:${user}`;
      clients.add(client);
      await subscriber.subscribe(channel, forward);
      client.write("welcome");
    });
    client.on("close", () => {
      clients.delete(client);
      if (channel) subscriber.unsubscribe(channel, forward);
    });
  });

  const server = http.createServer();
  push.installHandlers(server, { prefix: "/push" });
  server.listen({ port, host: "127.0.0.1", backlog: 4096 });
}

main(Number(process.argv[2]), Number(process.argv[3]));
