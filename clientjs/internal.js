/**
 * Checks the names that the build shortens in sockgate-live.js: none may be one that the browser, the client or
 * another script gives, or the script breaks, and in a browser only. `npm run lint` runs it.
 *
 * Strategy: TypeScript knows where a property that the script uses is declared. Where it does not (`any`), the name
 * must not be one of the client, its subscriptions, the bars of progress or elements.
 */
import ts from "typescript";

import { INTERNAL_OF_LIVE } from "./modern.js";

const internal = new Set(INTERNAL_OF_LIVE);
const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, ts.sys.getCurrentDirectory());
const program = ts.createProgram(fileNames, { ...options, noEmit: true });
const checker = program.getTypeChecker();

/** Names of the interfaces that live parts meet at run time. */
const shared = new Set();
const sourcesOf = (name) => program.getSourceFiles().filter(({ fileName }) => fileName.endsWith(name));
const addMembers = (sources, interfaces) => {
  for (const node of sources.flatMap(({ statements }) => statements)) {
    if (!ts.isInterfaceDeclaration(node) || !interfaces.includes(node.name.text)) continue;
    for (const { name } of node.members) if (name && ts.isIdentifier(name)) shared.add(name.text);
  }
};
addMembers(sourcesOf("src/sockgate.d.ts"), ["Emitter", "Client", "ChannelEvents", "Subscription"]);
addMembers(sourcesOf("/lib.dom.d.ts"), ["EventTarget", "Event", "Node", "Element", "HTMLElement", "ParentNode", "ChildNode"]);
const ofElement = (node) => {
  if (ts.isMethodDeclaration(node) && ts.isIdentifier(node.name)) shared.add(node.name.text);
  node.forEachChild(ofElement);
};
sourcesOf("src/page/progress/element.js").forEach(ofElement);
const missing = ["subscribe", "on", "follow", "appendChild"].filter((name) => !shared.has(name));

const faults = missing.map((name) => `the check does not find ${name}: have its sources moved?`);
/** The name of a property that `node` reads, and where it is declared. */
function propertyOf(node) {
  if (ts.isPropertyAccessExpression(node)) return [node.name, checker.getSymbolAtLocation(node.name)];
  if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
    const name = node.propertyName || node.name;
    return [name, checker.getTypeAtLocation(node.parent).getProperty(name.text)];
  }
  return [];
}

function visit(node) {
  const [name, symbol] = propertyOf(node);
  if (name && internal.has(name.text)) {
    const file = symbol?.declarations?.map((declaration) => declaration.getSourceFile()).find((source) => source.isDeclarationFile);
    if (file || (!symbol && shared.has(name.text))) {
      const { line } = node.getSourceFile().getLineAndCharacterOfPosition(name.pos);
      const where = `${node.getSourceFile().fileName.split("/clientjs/")[1]}:${line + 1}`;
      faults.push(`${where}: ${name.text} comes from ${file ? file.fileName.split("/").pop() : "the client, a bar or an element"}`);
    }
  }
  node.forEachChild(visit);
}
for (const file of program.getSourceFiles()) {
  if (/\/src\/(page\/(live|clients)|base)\b/.test(file.fileName) && !file.isDeclarationFile) visit(file);
}

if (faults.length) {
  console.error(`${faults.join("\n")}\nA name in INTERNAL_OF_LIVE is shortened in sockgate-live.js: remove it there, or use another one.`);
  process.exitCode = 1;
}
