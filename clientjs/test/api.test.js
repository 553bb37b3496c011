/**
 * The types, the source, the head of index.js, the README and the documentation have the same names.
 */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import ts from "typescript";

import * as module from "../src/async/index.js";
import { Client } from "../src/core/client.js";
import * as script from "../src/index.js";
import { Subscription } from "../src/channels/subscription.js";
import { AsyncRoom } from "./fakes/asyncroom.js";
import { VECTORS } from "./vectors.js";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const within = (text, start, end) => text.slice(text.indexOf(start)).split(end)[0];
const sorted = (names) => [...new Set(names)].sort();

const HEAD = within(read("../src/index.js"), "/**", "*/");
const README = read("../README.md");
const ALL_NAMES = within(README, "## All names", "\n\n| here");
const DOCS = readdirSync(new URL("../../docs", import.meta.url), { recursive: true })
  .filter((name) => name.endsWith(".md"))
  .map((name) => read(`../../docs/${name}`));

const types = ts.createSourceFile("", read("../src/sockgate.d.ts"), ts.ScriptTarget.Latest);
const named = (name) => types.statements.find((statement) => statement.name?.text === name);
const members = (...interfaces) =>
  sorted(interfaces.flatMap((name) => named(name).members.map((member) => member.name.text)));
const literals = (name) =>
  named(name).type.types.filter(ts.isLiteralTypeNode).map(({ literal }) => literal.text);
/** Names that a text has in backticks, such as `rt.on`. */
const ticked = (text) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name);
const row = (title) => ticked(within(ALL_NAMES, `| ${title} |`, "\n"));

const CLIENT = members("Client", "Emitter");
const SUBSCRIPTION = members("Subscription", "Emitter");
const EVENTS = members("ClientHandlers", "ChannelHandlers");
/** For the list of a channel's subscriptions. */
const INTERNAL = ["emit"];
/** What old browsers lack. */
const MODULE_ONLY = ["ready", "messages", "loadState", "setPresence"];

function publicNames(object) {
  const names = [];
  for (let of = object; of && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    names.push(...Object.getOwnPropertyNames(of));
  }
  return sorted(names.filter((name) => !/^(_.*|constructor)$/.test(name) && !INTERNAL.includes(name)));
}

test("client and subscription have the members of their types", () => {
  const { rt, room } = AsyncRoom.connected();
  assert.deepEqual(publicNames(rt), CLIENT);
  assert.deepEqual(publicNames(room), SUBSCRIPTION);
});

test("in the script they have all of them but promises and loops", () => {
  const { page } = AsyncRoom.connected();
  const old = (names) => names.filter((name) => !MODULE_ONLY.includes(name));
  const rt = new Client(page.parts);
  assert.deepEqual(publicNames(rt), old(CLIENT));
  assert.deepEqual(publicNames(new Subscription("room:7", {})), old(SUBSCRIPTION));
});

test("the exports are those of the types", () => {
  const exported = types.statements
    .filter(({ modifiers }) => modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword))
    .map((statement) => statement.name ?? statement.declarationList.declarations[0].name)
    .map(({ text }) => text);
  assert.deepEqual(sorted(Object.keys(module)), sorted(exported));
  assert.deepEqual(sorted([...Object.keys(script), "SockgateError"]), sorted(exported));
  assert.deepEqual(sorted(row("module")), sorted(exported));
});

test("the reserved events are those of the types", () => {
  // Django publishes "touch", so no publication of it is taken for an event of the client.
  const own = EVENTS.filter((name) => name !== "touch");
  assert.deepEqual(sorted([...own, "*"]), sorted(VECTORS.reserved_events));
});

const TABLE = {
  client: CLIENT.map((name) => `rt.${name}`),
  subscription: SUBSCRIPTION.map((name) => `room.${name}`),
  events: [...EVENTS, "message", "*"],
  states: literals("State"),
  "options of `connect`": members("Options"),
  "options of `rt.subscribe`": members("SubscribeOptions"),
  "codes of refusals": literals("ErrorCode"),
};

for (const [title, names] of Object.entries(TABLE)) {
  test(`the README has the names of the types: ${title}`, () => {
    const given = row(title).filter((name) => !title.includes(`\`${name}\``));
    assert.deepEqual(sorted(given), sorted(names));
  });
}

const OPTIONS = within(HEAD, "## Options", "## Warn");
const asWord = (name) => new RegExp(`(^|[^\\w-])${name.replace(/[.*]/g, "\\$&")}($|[^\\w-])`, "m");

for (const [title, names] of Object.entries({
  members: [...TABLE.client, ...TABLE.subscription.filter((name) => !/(off|listen|channel)$/.test(name))],
  events: TABLE.events.map((name) => `"${name}"`),
  states: TABLE.states.map((name) => `"${name}"`),
  "options of subscribe": members("SubscribeOptions").map((name) => `\`${name}\``),
})) {
  test(`the head of index.js explains all ${title}`, () => {
    assert.deepEqual(names.filter((name) => !asWord(name).test(HEAD)), []);
  });
}

test("the head of index.js explains all options of connect", () => {
  const named = OPTIONS.match(/`[a-zA-Z]+/g).map((text) => text.slice(1));
  assert.deepEqual(members("Options").filter((name) => !named.includes(name)), []);
});

for (const [what, texts] of Object.entries({ "index.js": [HEAD], README: [README], docs: DOCS })) {
  test(`${what} mentions no member that does not exist`, () => {
    const mentioned = texts.flatMap((text) => [...text.matchAll(/(?<![\w/])(rt|room)\.([a-zA-Z]+)/g)]);
    assert.ok(mentioned.length > 3);
    const known = { rt: CLIENT, room: SUBSCRIPTION };
    const unknown = mentioned.filter(([, of, name]) => !known[of].includes(name)).map(([all]) => all);
    assert.deepEqual(unknown, []);
  });
}

test("the protocol's error codes are those of the types, in the same order", () => {
  const line = within(read("../../docs/protocol.md"), "Error codes: ", "\n\n");
  const codes = ticked(line);
  assert.deepEqual(codes, literals("ErrorCode").slice(0, codes.length));
});
