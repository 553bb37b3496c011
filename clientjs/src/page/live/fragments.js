/**
 * The live fragments of the page. Django's `{% live %}` writes what belongs to one into a data block, the last child of its
 * element. So neither an id nor an attribute of content makes a fragment.
 */
import { ordersOf } from "../../base/orders.js";
import { changedIn, nameAndValueOf, typedIn } from "./fields.js";
import { heldOf } from "./held.js";
import { parse, processHtmx } from "./markup.js";
import { morph } from "./morph.js";
import { childNodesOf, contains, dispatch, isConnected, nameOf, ownerOf, remove, replaceChildren } from "./nodes.js";

/**
 * @typedef {{grant?: string | null, expires_in?: number, touched?: string | number | null}} Wanted  without a grant: there was none when
 *   the page was made; without `touched`: nobody knows whether it has changed since
 *
 * @typedef {Object} Fragment
 * @property {any} element
 * @property {any} script  its data block
 * @property {{id: string, channels: Object<string, Wanted>, rate: number, hidden?: string[], every?: number, user?: string, url?: string, token?: string}} data
 * @property {string} url  the address at which it was rendered
 * @property {any[]} away  its content, while the viewer may not see it
 */

/** Not again and again, where a cache gives everybody the same page: after a reload not before that. */
const RELOAD_MS = 60000;

/** @param {any} page  the window */
export function fragmentsOf(page) {
  const held = heldOf(page);
  /** By element. @type {Map<any, Fragment>} */
  const known = new Map();

  const all = () => [...known.values()];
  const at = (/** @type {string} */ url) => all().filter((one) => one.url === url);

  /** Find what has come and gone. */
  function scan() {
    const { location } = page;
    for (const { script, data } of ordersOf(page, "live")) {
      const element = script.parentElement;
      const fragment = known.get(element);
      if (!fragment) {
        // What a POST has brought belongs to the address of the fragment that it replaces.
        const url = data.url ? location.origin + data.url : all().find((one) => one.data.id === data.id)?.url || location.href.split("#")[0];
        known.set(element, { element, script, data, url, away: [] });
        held.know(element, [], data, (/** @type {any} */ one) => !data.hidden?.includes(nameAndValueOf(one)));
      } else if (fragment.script !== script) {
        Object.assign(fragment, { script, data });
      }
    }
    all().forEach(({ element }) => isConnected(element) || known.delete(element));
  }

  /**
   * Show the fragments of an address as a fresh page has them. One that it lacks stays, unless its right is in doubt.
   *
   * @param {string} url
   * @param {string} html
   * @param {boolean} isInDoubt
   * @returns {string | undefined} the id of one that the page lacks
   */
  function refresh(url, html, isInDoubt) {
    const document = parse(page, html);
    const orders = new Map(ordersOf(page, "live", document).map((order) => [order.data.id, order]));
    let lacking;
    // One may lie in another one: morphing takes the outer one first.
    for (const fragment of at(url)) {
      const { element, data } = fragment;
      const order = orders.get(data.id);
      const fresh = order?.script.parentElement;
      if (fresh && nameOf(fresh) === nameOf(element)) {
        const { user } = order.data;
        if (user && data.user && user !== data.user) {
          return reload();
        }
        show(fragment, fresh, order.data, isInDoubt);
      } else if (isInDoubt) {
        clear(fragment);
      } else {
        lacking = data.id;
      }
    }
    return lacking;
  }

  /** The page was made for another user, who may have gone back to it. @returns {undefined} */
  function reload() {
    if (page.performance.now() > RELOAD_MS || page.performance.getEntriesByType("navigation")[0].type !== "reload") {
      page.location.reload();
    }
    all().forEach(clear);
  }

  /**
   * @param {Fragment} fragment
   * @param {any} fresh
   * @param {any} data
   * @param {boolean} isInDoubt
   */
  function show(fragment, fresh, data, isInDoubt) {
    const { element, away } = fragment;
    if (!emit(element, "before", { fresh })) {
      return;
    }
    if (away.length) {
      // With what was typed where the viewer may see it again.
      replaceChildren(element, ...away);
      isInDoubt = true;
    }
    if (fragment.data.user && !data.user) {
      // The login has ended. What it showed goes, also around what was typed.
      replaceChildren(element);
    }
    fragment.away = [];
    // What is in it, and was rendered elsewhere.
    const others = all().filter((one) => one.url !== fragment.url && contains(element, one.element)).map((one) => one.element);
    change(element, fresh, data, others, isInDoubt);
    fragment.data = data;
    processHtmx(page, element);
    emit(element, "after", { isEmptied: false });
  }

  /**
   * Change an element into a fresh one. It is the only way in which content changes, by a refresh or a push: it asks what is a
   * person's, which stays with the object that it is about.
   *
   * @param {any} element
   * @param {any} fresh
   * @param {any} data  of its fragment
   * @param {any[]} [others]  parts of other addresses
   * @param {boolean} [isInDoubt]
   */
  function change(element, fresh, data, others = [], isInDoubt = false) {
    const set = held.setIn(element);
    const { parts, bound } = typedIn(element, fresh, set);
    const whole = [...held.heldIn(element, fresh, isInDoubt), ...others];
    if (isInDoubt) {
      new Set(bound).forEach((one) => (one === element ? replaceChildren(one) : remove(one)));
    } else {
      whole.push(...bound);
    }
    if (!whole.includes(element)) {
      const named = new Map(ordersOf(page, "keep", ownerOf(fresh)).map(({ script, data }) => [script.parentElement, data]));
      const theirs = morph(element, fresh, whole, named, set, isInDoubt, held.isGenuine(data.token), parts);
      held.know(element, whole, data, (/** @type {any} */ one) => theirs.has(one));
    }
  }

  /** @param {Fragment} fragment */
  function clear(fragment) {
    const { element, away } = fragment;
    if (!away.length) {
      fragment.away = [...childNodesOf(element)];
      replaceChildren(element);
      emit(element, "after", { isEmptied: true });
    }
  }

  /** @param {any} element @param {string} when @param {any} detail @returns {boolean} nobody has prevented it */
  function emit(element, when, detail) {
    return dispatch(element, new page.CustomEvent(`sockgate:live-${when}`, { bubbles: true, cancelable: when === "before", detail }));
  }

  return {
    all,
    at,
    scan,
    refresh,
    /** What `sockgate-html.js` uses: the last two are the elements of fragments, and the token of that around an element. */
    inner: [
      emit, change, changedIn, held.know, held.heldIn, () => [...known.keys()],
      (/** @type {any} */ element) => all().find((one) => contains(one.element, element))?.data.token
    ],
    /** Empty those of an address: the viewer may not see them any more. @param {string} url */
    clear: (url) => at(url).forEach(clear)
  };
}
