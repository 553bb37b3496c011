import assert from "node:assert/strict";
import { test } from "node:test";

import { unsubscribedFrame } from "../../src/channels/unsubscribed.js";

const CASES = [
  ["a refusal of the gateway", { type: "error", code: "not_allowed", message: "no" }, "not_allowed", "no"],
  ["a channel that was taken away", { type: "unsubscribed" }, "revoked", "revoked"],
  ["changed rights", { type: "unsubscribed", reason: "rights_changed" }, "rights_changed", "rights_changed"],
  ["a code that is not known", { code: "new_code", message: "new" }, "new_code", "new"],
];

for (const [what, why, code, message] of CASES) {
  test(`${what} has code, message and a reason for users`, () => {
    const { reason, ...frame } = unsubscribedFrame("room:7", why, "revoked");
    assert.deepEqual(frame, { type: "unsubscribed", channel: "room:7", code, message });
    assert.match(reason, /^[A-Z][a-z ]+\.$/);
  });
}
