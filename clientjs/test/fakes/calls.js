/** The functions of a module that run, in their order: the debugger notes each one at its first statement, and never halts. */
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";

import ts from "typescript";

const NOTES = "__calls";

/**
 * Note the calls of functions from now on.
 *
 * @param {string[]} files  loaded already, from the folder of the project
 * @returns {Promise<string[]>} grows: `clientjs/src/core/client.js: connect`
 */
export async function recordCalls(files) {
  const session = new Session();
  session.connect();
  await session.post("Debugger.enable");
  globalThis[NOTES] = [];
  for (const file of files) {
    const url = new URL(`../../../${file}`, import.meta.url);
    const source = ts.createSourceFile(file, readFileSync(url, "utf8"), ts.ScriptTarget.Latest, true);
    for (const [name, body] of functionsIn(source)) {
      const { line, character } = source.getLineAndCharacterOfPosition(body.getStart());
      const condition = `${NOTES}.push("${file}: ${name}") < 0`;
      await session.post("Debugger.setBreakpointByUrl", { url: url.href, lineNumber: line, columnNumber: character, condition });
    }
  }
  return globalThis[NOTES];
}

/** Yield the name of each function, and what is run first in it. */
function* functionsIn(node) {
  const body = node.body?.statements ? node.body.statements[0] : ts.isArrowFunction(node) && node.body;
  const name = node.name ?? node.parent?.name;
  if (ts.isFunctionLike(node) && body && name) {
    yield [name.getText(), body];
  }
  for (const child of node.getChildren()) {
    yield* functionsIn(child);
  }
}
