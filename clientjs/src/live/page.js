/**
 * A live page: it subscribes to the channels of its fragments, and fetches itself when one of them is touched.
 *
 * Strategy: touches are plain publications, so whatever may have lost one asks for a fetch: each new subscription, a gap, the
 * return from the back/forward cache. The fresh page carries fresh grants. So a page that is open for days needs no other
 * source of grants, and a channel whose right was taken away is subscribed again only if the view still gives it.
 */
import { PageSource } from "./fetch.js";
import { Fragments } from "./fragments.js";
import { EVENT, push } from "./push.js";
import { Schedule } from "./schedule.js";

/**
 * @typedef {import("../sockgate.js").Client<any>} Client
 * @typedef {{room: any, grant: string | null | undefined, untilMs: number, isEnded: boolean, refusals: number}} Followed
 */

/** Only the gateway subscribes them, without a grant. */
const AUTOMATIC = /^(broadcast$|user:|group:)/;
/** After a gap or a reconnect, which often concern all pages: at least this window. */
const GAP_WINDOW_MS = 3000;
/** Of a touch whose form the gateway does not recognize. */
const UNKNOWN_AUDIENCE = 100;
const MAX_WINDOW_MS = 120000;
const MAX_REFUSED_MS = 300000;
/** Codes of a subscription that a fresh grant may renew. */
const RENEWABLE = /^(not_allowed|revoked|rights_changed)$/;

export class LivePage {
  /**
   * @param {Client} rt
   * @param {any} page  the window
   */
  constructor(rt, page) {
    this._rt = rt;
    this._page = page;
    this._fragments = new Fragments(page);
    this._source = new PageSource(page);
    this._schedule = new Schedule(() => this._refresh(), {
      now: () => page.performance.now(),
      random: Math.random,
      setTimeout: (callback, ms) => page.setTimeout(callback, ms),
      clearTimeout: (timer) => page.clearTimeout(timer),
      isHidden: () => page.document.hidden
    });
    /** By channel. @type {Map<string, Followed>} */
    this._followed = new Map();
    /** The last audience by channel. @type {Map<string, number>} */
    this._audiences = new Map();
    this._isConnected = false;
    /** Fetches in a row that gave no grant. */
    this._grantless = 0;
    this._warned = "";
  }

  start() {
    const { document } = this._page;
    this._fragments.begin();
    this._rt
      .on("touch", (data, message) => this._touched(data, message))
      .on(EVENT, (data, { from }) => from === undefined && push(this._page, data, (...given) => this._fragments.emit(...given)))
      .on("gap", (channel) => this._missed(channel))
      .on("subscribed", (channel) => this._subscribed(channel))
      .on("user", () => this._vanish())
      .on("state", (state, detail) => this._stateChanged(state, detail));
    document.addEventListener("visibilitychange", () => document.hidden || this._schedule.seen());
    this._page.addEventListener("pageshow", (/** @type {any} */ event) => event.persisted && this._vanish());
    for (const name of ["htmx:load", "turbo:load", "turbo:frame-load"]) {
      document.addEventListener(name, () => this.scan());
    }
    this.scan();
    this._stateChanged(this._rt.state, {});
  }

  /** Follow the channels of the fragments that are in the page now, and no others. */
  scan() {
    const wanted = this._fragments.channels();
    for (const [channel, followed] of this._followed) {
      if (!wanted.has(channel)) {
        this._followed.delete(channel);
        this._audiences.delete(channel);
        followed.room.unsubscribe();
      }
    }
    for (const [channel, { grant, expires_in }] of wanted) {
      if (grant !== undefined || AUTOMATIC.test(channel)) {
        this._follow(channel, grant, expires_in || 0);
      }
    }
  }

  /**
   * @param {string} channel
   * @param {string | null | undefined} grant
   * @param {number} expiresInS
   */
  _follow(channel, grant, expiresInS) {
    const before = this._followed.get(channel);
    const now = this._page.performance.now();
    if (before && before.isEnded && before.grant === grant) {
      this._refused(before, channel);
    }
    if (before && (before.grant === grant || !(before.isEnded || before.untilMs < now))) {
      return;
    }
    const room = this._rt.subscribe(channel, { grant });
    const followed = { room, grant, untilMs: now + expiresInS * 500, isEnded: false, refusals: before ? before.refusals : 0 };
    this._followed.set(channel, followed);
    room.on("unsubscribed", (_, why) => this._ended(followed, channel, why.code));
    if (before) {
      before.room.unsubscribe();
    }
  }

  /** @param {any} data @param {any} message */
  _touched(data, { channel, from }) {
    // A browser cannot publish this event. One that comes from a browser nevertheless is nobody's touch.
    if (this._followed.has(channel) && from === undefined) {
      const audience = Number(data && data.audience);
      this._audiences.set(channel, audience > 0 ? audience : UNKNOWN_AUDIENCE);
      this._schedule.request(this._windowMs(channel));
    }
  }

  /** @param {string} channel */
  _windowMs(channel) {
    const audience = this._audiences.get(channel) || 1;
    return Math.min((audience * 1000) / this._fragments.rate(), MAX_WINDOW_MS);
  }

  /** @param {string} channel */
  _missed(channel) {
    if (this._followed.has(channel)) {
      this._schedule.request(Math.max(this._windowMs(channel), GAP_WINDOW_MS));
    }
  }

  /** @param {string} channel */
  _subscribed(channel) {
    const followed = this._followed.get(channel);
    if (followed) {
      followed.refusals = 0;
      if (this._audiences.has(channel)) {
        this._missed(channel);
      } else {
        // The first time. Something may have changed since the page was made.
        this._audiences.set(channel, 1);
        this._schedule.request(0);
      }
    }
  }

  /** @param {Followed} followed @param {string} channel @param {string} code */
  _ended(followed, channel, code) {
    if (this._followed.get(channel) !== followed || !RENEWABLE.test(code)) {
      return;
    }
    followed.isEnded = true;
    if (code === "not_allowed") {
      this._refused(followed, channel);
    } else {
      this._vanish();
    }
  }

  /**
   * A grant was too old, or has been revoked since: take another one from the page. Many pages may find that at once.
   *
   * @param {Followed} followed
   * @param {string} channel
   */
  _refused(followed, channel) {
    if (!AUTOMATIC.test(channel)) {
      const ms = followed.refusals && Math.min(GAP_WINDOW_MS * 2 ** followed.refusals, MAX_REFUSED_MS);
      followed.refusals += 1;
      this._page.setTimeout(() => {
        if (followed.isEnded && this._followed.get(channel) === followed) {
          this._source.renew();
          this._schedule.request(GAP_WINDOW_MS);
        }
      }, ms);
    }
  }

  /** Fetch the page now: the viewer may not see all of it any more. */
  _vanish() {
    this._source.renew();
    this._schedule.request(0, true);
  }

  /** @param {string} state @param {any} detail */
  _stateChanged(state, detail) {
    if (state === "connected") {
      this._isConnected = true;
      this._requestGrants(0);
    } else if (state === "closed" && this._isConnected && detail.code !== 1000) {
      // The login has ended: what the viewer may not see any more goes now.
      this._isConnected = false;
      this._vanish();
    }
  }

  /**
   * The page was made without a session, or while Redis did not answer: fetch it again for its grants.
   *
   * @param {number} ms  not sooner
   */
  _requestGrants(ms) {
    const isLacking = () => [...this._fragments.channels().keys()].some((channel) => !this._followed.has(channel));
    if (this._isConnected && isLacking()) {
      this._grantless += 1;
      this._page.setTimeout(() => {
        if (isLacking()) {
          this._source.renew();
          this._schedule.request(ms);
        }
      }, ms);
    } else {
      this._grantless = 0;
    }
  }

  /** @returns {Promise<number | null>} null, or after how many ms to try again */
  async _refresh() {
    if (this._fragments.isEmpty()) {
      return null;
    }
    const url = this._page.location.href;
    const answer = await this._source.fetch();
    if (this._page.location.href !== url) {
      return 0;
    }
    if (answer.kind === "page") {
      this._fragments.refresh(answer.html);
      this.scan();
      this._requestGrants(Math.min(GAP_WINDOW_MS * 2 ** this._grantless, MAX_REFUSED_MS));
    } else if (answer.kind === "gone") {
      this._fragments.clear();
    } else if (answer.kind !== "same") {
      this._warn(`sockgate: live parts are not refreshed: ${answer.why}`);
    }
    return answer.kind === "retry" ? answer.ms : null;
  }

  /** @param {string} text */
  _warn(text) {
    if (text !== this._warned) {
      this._warned = text;
      this._page.console.warn(text);
    }
  }
}
