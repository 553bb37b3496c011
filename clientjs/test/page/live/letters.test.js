/** A board under random refreshes and pushes: each letter that a person typed is shown, and saved, with the object that it was typed for. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { fragment, ORDERS, Page } from "./fakes/livesite.js";

const SEEDS = Number(process.env.SEEDS || 30);
const FIRST = Number(process.env.FIRST || 1);
const STEPS = 30;

/** Where a form says which card it is about. */
const OWNERS = {
  action: (card, inner) => `<form action="/save/${card.pk}/">${inner}</form>`,
  hidden: (card, inner) => `<form action="/save/"><input type="hidden" name="pk" value="${card.pk}">${inner}</form>`,
  version: (card, inner) => `<form action="/save/"><input type="hidden" name="pk" value="${card.pk}"><input type="hidden" name="version" value="${card.version}">${inner}</form>`,
  htmx: (card, inner) => `<form hx-post="/save/" hx-vals='{"pk": ${card.pk}}'>${inner}</form>`,
  token: (card, inner, token) => `<form action="/save/" method="post"><input type="hidden" name="csrfmiddlewaretoken" value="${token}"><input type="hidden" name="pk" value="${card.pk}">${inner}</form>`,
  row: (card, inner) => `<div data-pk="${card.pk}">${inner}</div>`,
};
const pkOf = (field) => {
  const { form } = field;
  const text = form ? form.elements.pk?.value || form.getAttribute("action")?.match(/\d+/)?.[0] || form.getAttribute("hx-vals")?.match(/\d+/)?.[0] : field.closest("[data-pk]")?.dataset.pk;
  return Number(text);
};

/** How elements are named: by their card, by their place, or not at all. */
const IDS = { card: (card) => ` id="x${card.pk}"`, place: (card, place) => ` id="x${place}"`, none: () => "" };
const KINDS = ["input", "textarea", "select", "checkbox", "number"];
const OPTIONS = ["", "a", "b", "c"];

class Board {
  cards = [];
  next = 1;
  tokens = 0;

  constructor(seed) {
    let state = seed * 7919 + 17;
    this.random = (below) => (state = (state * 48271) % 2147483647) % below;
    for (let turn = 0; turn < 5; turn++) this.random(2);
    this.pick = (list) => list[this.random(list.length)];
    this.owner = this.pick(Object.keys(OWNERS));
    this.rowIds = this.pick(Object.keys(IDS));
    this.fieldIds = this.pick(["card", "none"]);
    this.kinds = KINDS.filter((kind, place) => !place || this.random(2));
    this.isOutside = !this.random(4) && this.owner !== "token";
    this.isInside = !this.random(2);
    this.tag = this.pick(["li", "section"]);
    for (let count = 1 + this.random(4); count--; ) this.add();
  }

  add(place = this.cards.length) {
    const card = { pk: this.next++, version: 1 };
    for (const kind of this.kinds) card[kind] = this.newValue(kind);
    this.cards.splice(place, 0, card);
  }

  newValue(kind) {
    return kind === "checkbox" ? !this.random(2) : kind === "select" ? this.pick(OPTIONS) : kind === "number" ? `${this.random(100)}` : `of the server ${this.random(1e6)}`;
  }

  field(card, kind) {
    const id = this.fieldIds === "card" ? ` id="${kind}${card.pk}"` : "";
    const value = card[kind];
    return {
      input: `<input name="input"${id} value="${value}">`,
      textarea: `<textarea name="textarea"${id}>${value}</textarea>`,
      select: `<select name="select"${id}>${OPTIONS.map((one) => `<option${one === value ? " selected" : ""}>${one}</option>`).join("")}</select>`,
      checkbox: `<input type="checkbox" name="checkbox"${id}${value ? " checked" : ""}>`,
      number: `<input type="number" name="number"${id} value="${value}">`,
    }[kind];
  }

  row(card, place = this.cards.indexOf(card)) {
    const title = `<b>card ${card.pk}</b>`;
    const inner = this.kinds.map((kind) => this.field(card, kind)).join("");
    const content = this.isInside ? OWNERS[this.owner](card, title + inner, this.token) : title + OWNERS[this.owner](card, inner, this.token);
    return `<${this.tag}${IDS[this.rowIds](card, place)}>${content}</${this.tag}>`;
  }

  list() {
    this.token = `token${++this.tokens}`;
    return this.cards.map((card, place) => this.row(card, place)).join("");
  }

  html() {
    const list = this.list();
    const more = this.owner === "token" && !this.isOutside ? { token: this.token } : {};
    return this.isOutside ? `<div id="list">${list}</div>${fragment(ORDERS, "x")}` : fragment(ORDERS, `<div id="list">${list}</div>`, "a", more);
  }
}

const valueOf = (field) => (field.type === "checkbox" ? field.checked : field.value);

async function play(seed) {
  const board = new Board(seed);
  const page = new Page(board.html()).start();
  const { document } = page.window;
  /** What is typed, by field. */
  const typed = new Map();
  const said = [];
  let letters = 0;
  const fields = () => [...document.querySelectorAll("#list input:not([type=hidden]),#list textarea,#list select")];

  const acts = {
    type() {
      const all = fields().filter((field) => board.cards.some(({ pk }) => pk === pkOf(field)));
      if (!all.length) return;
      const field = board.pick(all);
      const before = valueOf(field);
      if (field.type === "checkbox") field.checked = !before;
      else if (field.name === "select") field.value = board.pick(OPTIONS.filter((one) => one !== before));
      else field.value = field.type === "number" ? `${1000 + ++letters}` : `typed ${++letters} `;
      if (!board.random(3)) field.focus();
      // Changed back is not changed.
      const isBack = field.type === "checkbox" ? field.checked === field.defaultChecked : field.name === "select" && field.selectedOptions[0] === ([...field.options].find((one) => one.defaultSelected) || field.options[0]);
      isBack ? typed.delete(field) : typed.set(field, { pk: pkOf(field), value: valueOf(field) });
    },
    change() {
      const card = board.pick(board.cards);
      if (card) Object.assign(card, { [board.pick(board.kinds)]: 0, version: card.version + 1 });
      if (card) for (const kind of board.kinds) if (card[kind] === 0) card[kind] = board.newValue(kind);
    },
    add: () => board.add(board.random(board.cards.length + 1)),
    remove: () => board.cards.splice(board.random(board.cards.length || 1), 1),
    move() {
      const [card] = board.cards.splice(board.random(board.cards.length || 1), 1);
      if (card) board.cards.splice(board.random(board.cards.length + 1), 0, card);
    },
    async refresh() {
      if (board.isOutside) return page.push("list", "replace", board.list());
      page.fresh = board.html();
      await page.refreshed();
    },
    push() {
      // Django renders a push without a token.
      if (board.owner === "token") return;
      const card = board.pick(board.cards);
      const swap = board.pick(["append", "prepend", "replace", "outer"]);
      board.token ||= "";
      if (swap === "replace") page.push("list", swap, board.list());
      else if (swap === "outer") page.push("list", swap, `<div id="list">${board.list()}</div>`);
      // Where rows have no ids, one would be there twice.
      else if (card && board.rowIds === "card" && board.fieldIds === "none") page.push("list", swap, board.row(card));
    },
    pushRow() {
      const card = board.pick(board.cards);
      if (!card || board.rowIds === "none" || board.owner === "token") return;
      const place = board.cards.indexOf(card);
      page.push(`x${board.rowIds === "card" ? card.pk : place}`, board.pick(["outer", "outer", "remove"]), board.row(card, place));
    },
    save() {
      const [field] = board.pick([...typed].filter(([one]) => one.isConnected)) || [];
      if (!field) return;
      const form = field.form || field.closest("[data-pk]");
      const pk = pkOf(field);
      const card = board.cards.find((one) => one.pk === pk);
      for (const [one, of] of typed) if (form.contains(one)) assert.equal(of.pk, pk, "is saved for another card");
      if (!card) return;
      const names = fields().filter((one) => form.contains(one)).map(({ name }) => name);
      assert.equal(new Set(names).size, names.length, "a field is there twice");
      for (const one of fields().filter((other) => form.contains(other))) {
        card[one.name] = one.type === "checkbox" ? one.checked : one.value.trim();
        // From now on it is the server's.
        typed.delete(one);
      }
      card.version += 1;
    },
  };

  function check() {
    for (const [field, { pk, value }] of typed) {
      const card = board.cards.find((one) => one.pk === pk);
      const isTaken = card && (typeof value === "string" ? value.trim() : value) === card[field.name];
      // A box or a choice may be what somebody else has saved meanwhile.
      if (isTaken && (!field.isConnected || valueOf(field) !== value || /checkbox|select/.test(field.type))) {
        typed.delete(field);
        continue;
      }
      if (isTaken) continue;
      assert.ok(field.isConnected, `${JSON.stringify(value)} of ${pk} is lost`);
      assert.equal(valueOf(field), value, `of ${pk} is overwritten`);
      assert.equal(pkOf(field), pk, `${JSON.stringify(value)} of ${pk} stands beside another card`);
      // Rows whose ids say a position may show another card around the form.
      if (board.isInside || board.rowIds === "card") assert.equal(field.closest(board.isInside ? "form, [data-pk]" : "li, section").querySelector("b").textContent, `card ${pk}`, "is the text around it");
    }
  }

  try {
    for (let step = 0; step < STEPS; step++) {
      const act = board.pick(["type", "type", "change", "add", "remove", "move", "refresh", "refresh", "push", "pushRow", "save"]);
      said.push(act);
      await acts[act]();
      check();
    }
    // Once nothing is the person's any more, the page is what the server has.
    said.push("end");
    document.activeElement.blur();
    for (const field of fields()) {
      const unchanged = field.cloneNode(true);
      const form = document.createElement("form");
      form.append(unchanged);
      form.reset();
      field.type === "checkbox" ? (field.checked = unchanged.checked) : (field.value = unchanged.value);
    }
    for (let turn = 0; turn < 2; turn++) await acts.refresh();
    const fresh = new page.window.DOMParser().parseFromString(board.list(), "text/html").body;
    const shown = (root) => [...root.querySelectorAll("b,input:not([name=csrfmiddlewaretoken]),textarea,select")].map((one) => (one.matches("b") ? one.textContent : `${one.name} ${valueOf(one)}`));
    assert.deepEqual(shown(page.$("#list")), shown(fresh));
  } catch (error) {
    error.message = `seed ${seed} (${board.owner}, rows ${board.rowIds}, fields ${board.fieldIds}${board.isOutside ? ", outside" : ""}) after ${said.length}: ${said.slice(-6)}: ${error.message}`;
    throw error;
  }
}

test("no letter is lost, and none is saved for another card", async () => {
  const faults = [];
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) await play(seed).catch((error) => faults.push(error));
  assert.deepEqual(faults.map(({ message }) => message), []);
});
