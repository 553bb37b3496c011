/**
 * A live page: it subscribes to the channels of its fragments, and fetches them again when one of their channels is touched.
 *
 * Strategy: touches are plain publications, so whatever may have lost one asks for a fetch: a new subscription, a gap. The
 * gateway says a mark of each channel, which changes with each touch, and Django has written the mark of the shown content. So a
 * page fetches only where they differ, or where one of them is not known. The gateway also says how many pages receive the same
 * at this moment; without that, a page supposes that they are very many. The fresh page carries fresh grants. So a page that is
 * open for days needs no other source of grants, and a channel whose right was taken away is subscribed again only if the view
 * still gives it.
 */
import { documentOf, globalOf } from "../../base/globals.js";
import { addressOf } from "./address.js";
import { AUTOMATIC, channelsOf } from "./channels.js";
import { fragmentsOf } from "./fragments.js";
import { PUSH } from "./markup.js";
import { MAX_WINDOW_MS } from "./schedule.js";

/** The event of `publish_html`. The gateway delivers only what Django has signed; a browser cannot publish it. */
const HTML = "sockgate:html";
/** After a gap or a reconnect, which often concern all pages, where the gateway names no other window. */
const GAP_WINDOW_MS = 3000;
const MAX_REFUSED_MS = 300000;
/** Events of other libraries after which fragments may have come or gone. */
const SWAPS = "htmx:load htmx:historyRestore turbo:load turbo:frame-load";

/**
 * @param {any} rt  the client
 * @param {any} page  the window
 * @returns {{scan(): void}}
 */
export function livePageOf(rt, page) {
  const fragments = fragmentsOf(page);
  const channels = channelsOf(rt, { subscribed, ended, refused, warn });
  /** By URL. @type {Map<string, ReturnType<addressOf>>} */
  const addresses = new Map();
  /** What the gateway has said of a channel. @type {Map<string, {audience: number, pages: number, touched: any}>} */
  const stated = new Map();
  let isConnected = false;
  /** Fetches in a row that gave no grant. */
  let grantless = 0;
  let warned = "";
  /** The widest window before the link was lost. */
  let lostMs = 0;

  /** Find what another script has brought. It may be older than what the gateway has said: a part that was late, or that of a history. */
  function scan() {
    follow();
    addresses.forEach((one) => one.noteTouch(widestMs()));
  }

  /** Follow the channels of the fragments that are in the page now, and no others. */
  function follow() {
    /** @type {Map<string, import("./fragments.js").Wanted>} */
    const wanted = new Map();
    fragments.scan();
    for (const { data, url } of fragments.all()) {
      if (!addresses.has(url)) {
        addresses.set(url, addressOf(page, url, { fragments, stated, widestMs, rescan, warn }));
      }
      for (const [channel, one] of Object.entries(data.channels)) {
        wanted.set(channel, { ...wanted.get(channel), ...one });
      }
    }
    addresses.forEach((address, url) => {
      if (!fragments.at(url).length) {
        address.stop();
        addresses.delete(url);
      }
    });
    stated.forEach((_, channel) => wanted.has(channel) || stated.delete(channel));
    channels.followAll(wanted);
  }

  /** After a refresh. */
  function rescan() {
    follow();
    requestGrants(Math.min(GAP_WINDOW_MS * 2 ** grantless, MAX_REFUSED_MS));
  }

  /**
   * @param {number | undefined} audience
   * @returns {number} the window in which it makes `LIVE_RATE` requests a second
   */
  function windowOf(audience = Infinity) {
    const [{ data }] = fragments.all();
    return Math.min((audience * addresses.size * 1000) / data.rate, MAX_WINDOW_MS);
  }

  /** @param {string} channel */
  const windowMs = (channel) => windowOf(stated.get(channel)?.audience);

  /** @returns {number} the window of all that show the same */
  const widestMs = () => windowOf(Math.max(...[...stated.values()].map(({ pages }) => pages), stated.size ? 0 : Infinity));

  /**
   * @param {string} channel
   * @param {any} info  a frame
   * @param {number} [pages]  how many show the channel, if the gateway says that
   * @returns {number} the window
   */
  function tell(channel, { audience, touched, pages: all = stated.get(channel)?.pages }, pages = all) {
    const counted = (/** @type {any} */ count) => (count >= 1 && count === +count ? count : Infinity);
    stated.set(channel, { audience: counted(audience), pages: counted(pages), touched });
    return windowMs(channel);
  }

  /** @param {any} info  a frame @param {number} ms @returns {number} the window that the gateway names, else this one */
  function leastMs({ within }, ms) {
    return within >= 0 ? Math.min(within * 1000, MAX_WINDOW_MS) : ms;
  }

  /** @param {string} channel @param {function(ReturnType<addressOf>): void} call */
  function each(channel, call) {
    addresses.forEach((one) => one.has(channel) && call(one));
  }

  /** @param {string} channel @param {any} info */
  function subscribed(channel, info) {
    // With another grant, or where another part of the page has the channel already, the gateway states nothing anew.
    if (info.audience || !stated.has(channel)) {
      const ms = tell(channel, info);
      each(channel, (one) => one.noteTouch(ms, leastMs(info, 0)));
    }
  }

  /** A right has ended. @param {string} channel @param {any} why @param {import("./channels.js").Followed} one */
  function ended(channel, why, one) {
    if (why.code === "not_allowed") {
      refused(channel, one, why.revoked);
    } else {
      const ms = tell(channel, why);
      each(channel, (address) => address.renew(ms, leastMs(why, 0), true));
    }
  }

  /**
   * A grant was too old, or has been revoked since: take another one from the page. Many pages may find that at once.
   *
   * @param {string} channel
   * @param {import("./channels.js").Followed} one
   * @param {boolean} [isRevoked]  the right may have ended
   */
  function refused(channel, one, isRevoked) {
    if (!AUTOMATIC.test(channel)) {
      const ms = one.refusals && Math.min(GAP_WINDOW_MS * 2 ** one.refusals, MAX_REFUSED_MS);
      one.refusals += 1;
      page.setTimeout(() => one.isEnded && channels.has(channel) && each(channel, (address) => address.renew(stated.has(channel) ? windowMs(channel) : lostMs, GAP_WINDOW_MS, isRevoked)), ms);
    }
  }

  /**
   * The page was made without a session, or while Redis did not answer: fetch it again for its grants.
   *
   * @param {number} ms  not sooner
   */
  function requestGrants(ms) {
    if (isConnected && channels.lacksAny()) {
      grantless += 1;
      page.setTimeout(() => channels.lacksAny() && addresses.forEach((one) => one.renew(0, Math.max(ms, GAP_WINDOW_MS))), ms);
    } else {
      grantless = 0;
    }
  }

  /** @param {string} state @param {any} detail */
  function stateChanged(state, detail) {
    if (state === "connected") {
      isConnected = true;
      requestGrants(0);
      return;
    }
    // Nothing is known until the channels are subscribed again.
    lostMs = stated.size ? widestMs() : lostMs;
    stated.clear();
    if (state === "closed" && isConnected && detail.code !== 1000) {
      // The login has ended, maybe that of many: what the viewer may not see any more goes now.
      isConnected = false;
      addresses.forEach((one, url) => {
        fragments.clear(url);
        one.renew(lostMs, 0, true);
      });
    }
  }

  /** Another user has this page: maybe many have logged in, or all logins have ended, and their pages have come back. */
  function userChanged() {
    // Each connect has this channel, and says how many connect at this moment.
    const room = rt.subscribe("broadcast").on("subscribed", (/** @type {any} */ _, /** @type {any} */ info) => {
      const ms = leastMs(info, 0);
      room.unsubscribe();
      addresses.forEach((one, url) => {
        if (ms) {
          fragments.clear(url);
        }
        one.renew(0, ms, true);
      });
    });
  }

  /** @param {string} text */
  function warn(text) {
    if (text !== warned) {
      warned = text;
      page.console.warn(`sockgate: ${text}.`);
    }
  }

  /** @param {any} data  of `publish_html`; without a target: the page is as the server has rendered it */
  function push(data) {
    const show = globalOf(page, PUSH);
    if (show) {
      show(page, data, fragments.inner);
    } else if (data.target) {
      warn("publish_html needs live=True");
    }
  }

  rt.on("touch", (/** @type {any} */ _, /** @type {any} */ message) => {
    const { channel } = message;
    // A browser cannot publish this event. One that comes from a browser nevertheless is nobody's touch.
    if (channels.has(channel) && message.from === undefined) {
      const ms = tell(channel, message, message.audience);
      each(channel, (one) => one.noteTouch(ms));
    }
  })
    .on(HTML, (/** @type {any} */ data, /** @type {any} */ { from }) => from === undefined && push(data))
    .on("gap", (/** @type {string} */ channel, /** @type {any} */ why) => {
      if (channels.has(channel)) {
        const ms = tell(channel, { audience: stated.get(channel)?.audience, ...why });
        each(channel, (one) => one.noteTouch(ms, leastMs(why, GAP_WINDOW_MS)));
      }
    })
    .on("user", userChanged)
    .on("state", stateChanged);
  page.addEventListener("visibilitychange", () => documentOf(page, "hidden") || addresses.forEach((one) => one.schedule.seen()));
  page.addEventListener("pageshow", (/** @type {any} */ event) => event.persisted && addresses.forEach((one) => one.renew(0, 0)));
  SWAPS.split(" ").forEach((name) => page.addEventListener(name, scan));
  if (page.PerformanceObserver) {
    // How long the site needs for its answers, without what a request has waited for in the browser.
    new page.PerformanceObserver((/** @type {any} */ list) =>
      list.getEntries().forEach((/** @type {any} */ one) => addresses.get(one.name)?.schedule.answered(one.responseStart - one.requestStart))
    ).observe({ type: "resource" });
  }
  scan();
  push({});
  stateChanged(rt.state, {});
  return { scan };
}
