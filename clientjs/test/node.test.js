/** The modules in Node.js below 22, with `ws`, which throws an error that nobody handles. Run `npm run build` first. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";

/** Listens for a while, and is gone: nobody answers there. */
async function closedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const program = (module, port) => `
  import { WebSocket } from "ws";
  import { connect } from ${JSON.stringify(new URL(`../dist/${module}.mjs`, import.meta.url).href)};
  globalThis.WebSocket = WebSocket;
  const rt = connect({
    url: "http://127.0.0.1:${port}/realtime", token: "t", tokenUrl: null, reconnect: { minMs: 1, maxMs: 2 }, log() {},
  });
  let waits = 0;
  rt.on("state", (state) => {
    if (state === "waiting" && ++waits === 3) {
      // In the middle of an attempt.
      setTimeout(() => (rt.close(), console.log("alive")), 3);
    }
  });
  rt.connect();
`;

for (const module of ["sockgate", "full"]) {
  test(`${module}.mjs goes on when the gateway is down`, async () => {
    const code = program(module, await closedPort());
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], {
      cwd: new URL("..", import.meta.url),
      timeout: 60_000,
    });
    assert.equal((await run).stdout, "alive\n");
  });
}
