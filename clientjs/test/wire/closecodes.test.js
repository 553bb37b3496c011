import assert from "node:assert/strict";
import { test } from "node:test";

import {
  SockJSCode,
  mayReconnect,
  needsFreshToken,
  paceOf,
} from "../../src/wire/closecodes.js";
import { CloseCode } from "../../src/wire/contract.js";
import { VECTORS } from "../vectors.js";

const { ours, others } = VECTORS.close_codes;

for (const { code, reconnect, fresh_token: freshToken } of [...ours, ...others]) {
  test(`${code}: reconnect ${reconnect}, fresh token ${freshToken}`, () => {
    assert.equal(mayReconnect(code), reconnect);
    assert.equal(needsFreshToken(code), freshToken);
  });
}

test("failures of sockjs-client are not among the gateway's codes", () => {
  for (const code of Object.values(SockJSCode)) {
    assert.equal(mayReconnect(code), true);
    assert.ok(ours.every((own) => own.code !== code));
  }
});

test("429 and 503 of the token endpoint have the paces of the gateway's codes", () => {
  assert.equal(paceOf(429), paceOf(CloseCode.OVERLOADED));
  assert.equal(paceOf(503), paceOf(CloseCode.UNAVAILABLE));
});

test("an overloaded gateway delays its clients, a draining one spreads them", () => {
  assert.ok(paceOf(CloseCode.OVERLOADED).floorMs >= 5000);
  assert.ok(paceOf(CloseCode.UNAVAILABLE).floorMs >= 2000);
  assert.deepEqual(paceOf(CloseCode.DRAIN), { floorMs: 0, spreadMs: 3000 });
  assert.equal(paceOf(1006), undefined);
});
