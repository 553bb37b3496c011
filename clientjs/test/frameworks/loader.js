/** Compiles the examples, and finds `sockgate/…` in the built files. Loaded by `register`. */
import { readFile } from "node:fs/promises";

import { compile } from "svelte/compiler";
import ts from "typescript";
import { compileScript, parse } from "vue/compiler-sfc";

const COMPILERS = {
  tsx: (code) => code,
  vue: (code, filename) =>
    compileScript(parse(code, { filename }).descriptor, { id: "example", inlineTemplate: true }).content,
  svelte: (code, filename, target) => compile(code, { filename, generate: target || "client" }).js.code,
};

/** Svelte has one runtime for servers, which Node.js would take, and one for browsers. */
const SVELTE = /^svelte(\/(?!server)|$)/;

export function resolve(specifier, context, next) {
  const [, name] = specifier.match(/^sockgate\/?(\w*)$/) ?? [];
  if (name !== undefined) {
    const url = new URL(`../../dist/${name || "sockgate"}.mjs`, import.meta.url).href;
    return { url, shortCircuit: true };
  }
  const conditions = SVELTE.test(specifier) ? ["browser", ...context.conditions] : context.conditions;
  return next(specifier, { ...context, conditions });
}

/** A URL that ends in `?server` is compiled for a server. */
export async function load(url, context, next) {
  const { pathname, search } = new URL(url);
  const compile = COMPILERS[pathname.split(".").at(-1)];
  if (!compile) return next(url, context);
  const code = compile(await readFile(new URL(url), "utf8"), pathname, search.slice(1));
  return { format: "module", source: fromTypeScript(code), shortCircuit: true };
}

function fromTypeScript(code) {
  const { ES2022 } = ts.ModuleKind;
  const compilerOptions = { jsx: ts.JsxEmit.ReactJSX, module: ES2022, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}
