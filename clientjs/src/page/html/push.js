/**
 * Fragments that Django pushes: `publish_html(to, target, template, …)`. The same for all who receive it.
 */
import { documentOf, findAll } from "../../base/globals.js";
import { ordersOf } from "../../base/orders.js";
import { parse, processHtmx, removeScripts } from "../live/markup.js";
import { attributeOf, clone, contains, findIn, isConnected, method, move, nameOf, parentOf, remove, replaceChildren } from "../live/nodes.js";

/** These swaps have the names of methods of an element, which take the new nodes. */
const METHODS = /^(append|prepend|before|after)$/;
/** Pages whose content of the start is known. */
const begun = new WeakSet();

/**
 * @param {any} page  the window
 * @param {any} data  `{target, swap, html}`
 * @param {any} inner  what fragments.js gives
 */
export function push(page, { target: id, swap, html }, inner) {
  const [emit, changeOf, changedIn, know, heldIn, elements, tokenOf] = inner;
  if (!begun.has(inner)) {
    // What is pushed may go anywhere in the page.
    const [token] = ordersOf(page, "client").map(({ data }) => data.posted);
    begun.add(inner);
    know(documentOf(page, "documentElement"), elements(), { token, url: token == null }, () => false);
  }
  const target = find(page, id);
  if (!target || !emit(target, "before", { swap })) {
    return;
  }
  const { body } = parse(page, html);
  const parent = parentOf(target);
  removeScripts(findIn(body, "script"));
  const fresh = [...body.children];
  if (METHODS.test(swap)) {
    const rows = knownIn(page, body, target);
    method(swap)(target, ...body.childNodes);
    for (const [known, fresh] of rows) {
      if (nameOf(known) === nameOf(fresh)) {
        move(parentOf(fresh), known, fresh);
        remove(fresh);
        change(known, fresh);
      } else {
        drop(known);
      }
    }
  } else if (swap === "replace") {
    const nodes = [...body.childNodes];
    const whole = body.appendChild(clone(target));
    replaceChildren(whole, ...nodes);
    change(target, whole);
  } else if (swap === "remove") {
    drop(target);
  } else if (swap === "outer") {
    const [other] = fresh;
    if (other && attributeOf(other, "id") === id && nameOf(other) === nameOf(target)) {
      change(target, other);
    } else {
      method("before")(target, ...body.childNodes);
      drop(target);
    }
  }
  fresh.filter(isConnected).forEach((one) => know(one, [], { url: "/" }, () => false));
  processHtmx(page, parent);
  emit(parentOf(target) ? target : parent, "after", { swap });

  /** @param {any} element @param {any} other */
  function change(element, other) {
    changeOf(element, other, { token: tokenOf(element), url: "/" });
  }

  /** Remove an element, if nothing in it is a person's. @param {any} element */
  function drop(element) {
    if (!changedIn(parentOf(element)).some((/** @type {any} */ one) => contains(element, one)) && !heldIn(element, clone(element), false)[0]) {
      remove(element);
    }
  }
}

/**
 * What is in the page already must not be there twice: it moves, with what was typed there, or goes where it is of another kind.
 *
 * @param {any} page
 * @param {any} body
 * @param {Element} target
 * @returns {any[][]} elements of the page, each with its fresh one
 */
function knownIn(page, body, target) {
  return [...body.children]
    .map((fresh) => [find(page, attributeOf(fresh, "id")), fresh])
    .filter(([known]) => known && !contains(known, target));
}

/** @param {any} page @param {any} id @returns {any} undefined, too, where content of a user may have taken the id of another element */
function find(page, id) {
  const [found, other] = findAll(page, `#${CSS.escape(id)}`);
  return other ? undefined : found;
}
