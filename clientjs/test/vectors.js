import { readFileSync } from "node:fs";

/** The golden examples that Python's tests read, too. */
export const VECTORS = JSON.parse(
  readFileSync(new URL("../../tests/vectors.json", import.meta.url), "utf8"),
);
