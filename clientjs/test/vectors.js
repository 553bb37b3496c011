import { readFileSync } from "node:fs";

/** The test vectors that the Python tests also use. */
export const VECTORS = JSON.parse(
  readFileSync(new URL("../../tests/vectors.json", import.meta.url), "utf8"),
);
