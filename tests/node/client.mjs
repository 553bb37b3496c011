/**
 * The built module without a page: its promises, and a loop over a channel.
 *
 * usage: node client.mjs <gateway's URL> <token> <channel> <grant>
 * Writes what it receives as lines of JSON, and ends after the message "end".
 */
import { createRequire } from "node:module";

const [url, token, channel, grant] = process.argv.slice(2);
const require = createRequire(new URL("../../clientjs/package.json", import.meta.url));
// Node.js before 22 has none.
globalThis.WebSocket ??= require("faye-websocket").Client;
const { SockgateError, connect } = await import("../../clientjs/dist/sockgate.mjs");

const write = (value) => console.log(JSON.stringify(value));
const rt = connect({ url, token, tokenUrl: null });
rt.connect();
write(await rt.ready({ timeout: 30_000 }));
const room = rt.subscribe(channel, { grant });
const messages = room.messages();
await room.ready({ timeout: 30_000 });
write(await room.presence());
try {
  await room.publish("client-typing", null);
} catch (error) {
  write([error instanceof SockgateError, error.code, error.channel]);
}
for await (const { event, data } of messages) {
  write([event, data]);
  if (event === "end") rt.close();
}
write(rt.state);
