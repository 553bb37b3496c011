/** Compiles the examples, and finds `sockgate/…` in the built files. Loaded by `register`. */
import { readFile } from "node:fs/promises";

import ts from "typescript";
import { compileScript, parse } from "vue/compiler-sfc";

const COMPILERS = {
  tsx: (code) => code,
  vue: (code, filename) =>
    compileScript(parse(code, { filename }).descriptor, { id: "example", inlineTemplate: true }).content,
};

export function resolve(specifier, context, next) {
  const [, name] = specifier.match(/^sockgate\/?(\w*)$/) ?? [];
  return name === undefined
    ? next(specifier, context)
    : { url: new URL(`../../dist/${name || "sockgate"}.mjs`, import.meta.url).href, shortCircuit: true };
}

export async function load(url, context, next) {
  const compile = COMPILERS[url.split(".").at(-1)];
  if (!compile) return next(url, context);
  const code = compile(await readFile(new URL(url), "utf8"), url);
  return { format: "module", source: fromTypeScript(code), shortCircuit: true };
}

function fromTypeScript(code) {
  const { ES2022 } = ts.ModuleKind;
  const compilerOptions = { jsx: ts.JsxEmit.ReactJSX, module: ES2022, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
