/**
 * Opens the connections of the small script: the gateway's raw WebSocket. Where that is no choice, where
 * it fails or stays silent, another script is loaded, with all ways to connect (opener.js). From then on
 * that one decides.
 */
import { SockJSCode } from "../wire/closecodes.js";
import { nothing } from "../base/own.js";
import { closeSilently } from "../wire/socket.js";
import { hasMemory } from "./hasmemory.js";
import { GREETING_MS, PROVEN_PATIENCE_MS, UNPROVEN_GREETING_MS } from "./patience.js";
import { NEVER_OPEN, openRaw } from "./raw.js";
import { loadScript, scriptUrlOf, unloadable } from "./script.js";

/**
 * @typedef {import("../wire/socket.js").Close} Close
 * @typedef {import("../wire/socket.js").SockJSLike} SockJSLike
 *
 * @typedef {Pick<import("./opener.js").Opener, "open" | "greetingMs" | "accepted" | "unanswered">} OpenerLike
 * @typedef {import("../core/settings.js").Settings} Settings
 * @typedef {function(Settings, any, import("../base/clock.js").Clock): OpenerLike} MakeOpener
 */

export class Starter {
  /**
   * @param {Settings} settings
   * @param {any} page  a window
   * @param {import("../base/clock.js").Clock} clock
   */
  constructor(settings, page, clock) {
    this._settings = settings;
    this._page = page;
    this._clock = clock;
    this._isProven = false;
    this._isMute = false;
  }

  /**
   * @param {string} url  of the gateway
   * @param {boolean} isProven  the way that worked last is likely to work
   * @returns {SockJSLike}
   */
  open(url, isProven) {
    this._isProven = isProven;
    return startAttempt(this, url, isProven);
  }

  /** @returns {number} how long the gateway may take to answer `connect` */
  greetingMs() {
    return this._isProven ? GREETING_MS : UNPROVEN_GREETING_MS;
  }

  /** Record that the gateway has answered. */
  accepted() {}

  /**
   * Record that the gateway has not answered in time.
   *
   * @returns {boolean} another way should be tried at once
   */
  unanswered() {
    this._isMute = !this._isProven && this._settings.transport !== "websocket";
    return this._isMute;
  }

  /** @returns {boolean} the raw WebSocket is the first way */
  _isDirect() {
    const settings = this._settings;
    return (
      !!this._page.WebSocket &&
      !this._isMute &&
      !settings.shared &&
      settings.transport !== "sockjs" &&
      /^$|\bwebsocket\b/.test("" + (settings.transports || "")) &&
      (settings.transport === "websocket" || !hasMemory(this._page))
    );
  }

  /**
   * @param {string} url  of the gateway
   * @param {function(MakeOpener | null, string): void} callback  receives null, and the URL of the script
   *     that cannot be loaded
   */
  _load(url, callback) {
    const page = this._page;
    const settings = this._settings;
    const scriptUrl = scriptUrlOf(url, settings, page);
    function loadSockJS() {
      loadScript(scriptUrl, page, "SockgateSockJS", (script) => {
        callback(script && script.opener, scriptUrl);
      });
    }
    if (!settings.shared) {
      return loadSockJS();
    }
    // It has all ways, too.
    loadScript(settings.sharedUrl, page, "SockgateShared", (script) => {
      if (script && script.opener) {
        callback(script.opener, "");
      } else if (settings.transport === "websocket") {
        callback(null, "");
      } else {
        loadSockJS();
      }
    });
  }
}

/**
 * @param {Starter} starter
 * @param {string} url
 * @param {boolean} isProven
 * @returns {SockJSLike}
 */
function startAttempt(starter, url, isProven) {
  const clock = starter._clock;
  const settings = starter._settings;
  /** null: it has failed; undefined: it is not tried. @type {SockJSLike | null | undefined} */
  let raw;
  let cancel = nothing;
  let isOver = false;
  let isLoading = false;
  /** Why the script is not there. @type {Close | null} */
  let missing = null;
  const isAuto = settings.transport === "auto";
  /** @type {any} */
  const attempt = { close: settle };

  if (starter._isDirect()) {
    start();
  } else if (settings.transport === "websocket" && !settings.shared) {
    failLater({ code: SockJSCode.ALL_TRANSPORTS_FAILED, reason: "No transport is allowed" });
  } else {
    load();
  }
  return attempt;

  function start() {
    try {
      raw = openRaw(url, starter._page);
    } catch (/** @type {any} */ error) {
      return failLater({ code: 0, reason: error.message });
    }
    follow(raw);
    raw.onclose = () => {
      fail(NEVER_OPEN);
    };
    if (isAuto) {
      cancel = clock.after(isProven ? PROVEN_PATIENCE_MS : settings.fallbackAfterMs, load);
    }
  }

  /** @param {Close} close */
  function fail(close) {
    raw = null;
    cancel();
    if (missing || isProven || !isAuto) {
      attempt.onclose(missing || close);
    } else if (!isLoading) {
      load();
    }
  }

  // The owner sets its handlers after `open` has returned.
  /** @param {Close} close */
  function failLater(close) {
    cancel = clock.after(0, () => {
      fail(close);
    });
  }

  function load() {
    isLoading = true;
    starter._load(url, (makeOpener, scriptUrl) => {
      if (isOver) {
        return;
      }
      if (!makeOpener && settings.transport === "websocket") {
        start();
      } else if (makeOpener) {
        takeOver(makeOpener(settings, starter._page, clock));
      } else {
        missing = unloadable(scriptUrl, settings);
        if (!raw) {
          failLater(missing);
        }
      }
    });
  }

  /** @param {any} complete */
  function takeOver(complete) {
    ["open", "greetingMs", "accepted", "unanswered"].forEach((name) => {
      /** @type {any} */ (starter)[name] = complete[name].bind(complete);
    });
    follow(complete.open(url, isProven, starter._isMute ? false : raw));
  }

  /** @param {any} socket */
  function follow(socket) {
    attempt.send = (/** @type {string} */ text) => {
      socket.send(text);
    };
    attempt.close = () => {
      settle();
      closeSilently(socket);
    };
    socket.onopen = (/** @type {any} */ event) => {
      settle();
      attempt.transport = socket.transport;
      attempt.secret = socket.secret;
      socket.onclose = attempt.onclose;
      attempt.onopen(event);
    };
    socket.onmessage = (/** @type {any} */ event) => {
      attempt.onmessage(event);
    };
    socket.onheartbeat = () => {
      attempt.onheartbeat();
    };
    socket.onclose = (/** @type {any} */ event) => {
      attempt.onclose(event);
    };
  }

  function settle() {
    isOver = true;
    cancel();
  }
}
