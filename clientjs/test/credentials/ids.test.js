import assert from "node:assert/strict";
import { test } from "node:test";

import { unguessableId } from "../../src/credentials/ids.js";

const SHAPE = /^[a-z0-5]{24}$/;

const counting = { getRandomValues: (bytes) => bytes.forEach((_, i) => (bytes[i] = i * 9)) };

for (const name of ["crypto", "msCrypto"]) {
  test(`${name} yields 120 bits`, () => {
    const id = unguessableId({ [name]: counting });
    assert.match(id, SHAPE);
    assert.equal(new Set(id).size, 24);
  });
}

test("ids from the browser's crypto are never the same", () => {
  const ids = Array.from({ length: 1000 }, () => unguessableId(globalThis));
  assert.equal(new Set(ids).size, 1000);
});

test("ids in old browsers are long, and never the same", () => {
  const ids = Array.from({ length: 1000 }, () => unguessableId({}));
  for (const id of ids) assert.match(id, SHAPE);
  assert.equal(new Set(ids).size, 1000);
});

test("every letter occurs in ids of old browsers", () => {
  const letters = new Set(Array.from({ length: 200 }, () => unguessableId({})).join(""));
  assert.equal(letters.size, 32);
});
