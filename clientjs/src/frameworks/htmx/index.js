/**
 * The script `sockgate-htmx.js`: the htmx extension `sockgate`, for htmx 2.
 *
 *     <div hx-ext="sockgate">
 *       <div sg-channel="orders" sg-on="paid" hx-get="/orders/" hx-trigger="sg:paid">…</div>
 *     </div>
 *
 * An element with `sg-channel` subscribes to that channel. Each event that `sg-on` names is triggered on the element as
 * `sg:<event>`, with `{data, channel, offset, from}` as its detail.
 */
import { clientOf } from "../../page/clients.js";

/** Events of the channel, whose handlers receive the channel and a frame. */
const OF_CHANNEL = /^(gap|subscribed|unsubscribed)$/;

/** By element, what ends its subscription. @type {WeakMap<any, function(): void>} */
const ends = new WeakMap();

/** @param {any} element @param {string} name @param {string} [otherwise] @returns {string[]} */
const words = (element, name, otherwise = "") => (element.getAttribute(name) || otherwise).split(/[\s,]+/).filter(Boolean);

/**
 * @param {any} page  a window with htmx
 * @param {any} element  with `sg-channel`
 */
export function follow(page, element) {
  const rt = ends.has(element) ? null : clientOf(page, "sg-channel");
  if (!rt) {
    return;
  }
  const events = words(element, "sg-on", "touch");
  const rooms = words(element, "sg-channel").map((channel) => rt.subscribe(channel));
  for (const room of rooms) {
    for (const event of events) {
      room.on(event, (/** @type {any} */ data, /** @type {any} */ message) => {
        // After the element has left the page, it is cleaned up a little later.
        if (element.isConnected) {
          const { offset, from } = message;
          const detail = OF_CHANNEL.test(event) ? { data: message, channel: room.channel } : { data, channel: room.channel, offset, from };
          page.htmx.trigger(element, `sg:${event}`, detail);
        }
      });
    }
  }
  ends.set(element, () => rooms.forEach((room) => room.unsubscribe()));
}

/** @param {any} element  leaves the page */
export function leave(element) {
  const end = ends.get(element);
  if (end) {
    ends.delete(element);
    end();
  }
}

/** @param {any} page */
export function register(page) {
  page.htmx.defineExtension("sockgate", {
    getSelectors: () => ["[sg-channel]"],
    onEvent(/** @type {string} */ name, /** @type {any} */ event) {
      const { target } = event;
      if (name === "htmx:afterProcessNode" && target.hasAttribute && target.hasAttribute("sg-channel")) {
        follow(page, target);
      } else if (name === "htmx:beforeCleanupElement") {
        leave(target);
      }
    }
  });
}

if (typeof window === "object") {
  if (/** @type {any} */ (window).htmx) {
    register(window);
  } else {
    console.error("sockgate: sockgate-htmx.js belongs after the script of htmx.");
  }
}
