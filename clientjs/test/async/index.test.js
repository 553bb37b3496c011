/** The API in Node.js, without a document. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { SockgateError, connect } from "../../src/async/index.js";

test("a client is made without a document, and connects to nothing before it is started", () => {
  const rt = connect();
  const room = rt.subscribe("room:7").on("news", () => undefined);
  assert.deepEqual([rt.state, rt.user, rt.transport, room.state], ["closed", null, "", "subscribing"]);
  room.unsubscribe();
});

test("a client that is started without a document fetches its token, and says why it has none", async () => {
  const asked = [];
  const rt = connect({
    log: () => undefined,
    getToken: (callback) => {
      asked.push(rt.state);
      callback({ status: 401 });
    },
  });
  rt.connect();
  const error = await rt.ready().catch((error) => error);
  assert.ok(error instanceof SockgateError);
  assert.deepEqual([error.code, error.closeCode, asked], ["closed", 401, ["connecting"]]);
});

test("autoConnect starts a client without a document", async () => {
  const rt = connect({ autoConnect: true, log: () => undefined, tokenUrl: null });
  await assert.rejects(rt.ready(), { code: "closed", message: /no token/ });
});
