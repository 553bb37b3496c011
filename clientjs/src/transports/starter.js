/**
 * Opens the connections of the small script: the gateway's raw WebSocket. Where that is no choice, where
 * it fails or stays silent, another script is loaded, with all ways to connect (opener.js). From then on
 * that one decides.
 */
import { SockJSCode } from "../wire/closecodes.js";
import { nothing } from "../base/own.js";
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

/**
 * @constructor
 * @param {Settings} settings
 * @param {any} page  a window
 * @param {import("../base/clock.js").Clock} clock
 */
export function Starter(settings, page, clock) {
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
Starter.prototype.open = function (url, isProven) {
  this._isProven = isProven;
  return startAttempt(this, url, isProven);
};

/** @returns {number} how long the gateway may take to answer `connect` */
Starter.prototype.greetingMs = function () {
  return this._isProven ? GREETING_MS : UNPROVEN_GREETING_MS;
};

/** Record that the gateway has answered. */
Starter.prototype.accepted = function () {};

/**
 * Record that the gateway has not answered in time.
 *
 * @returns {boolean} another way should be tried at once
 */
Starter.prototype.unanswered = function () {
  this._isMute = !this._isProven && this._settings.transport !== "websocket";
  return this._isMute;
};

/** @returns {boolean} the raw WebSocket is the first way */
Starter.prototype._isDirect = function () {
  var settings = this._settings;
  return (
    !!this._page.WebSocket &&
    !this._isMute &&
    !settings.shared &&
    settings.transport !== "sockjs" &&
    /^$|\bwebsocket\b/.test("" + (settings.transports || "")) &&
    (settings.transport === "websocket" || !hasMemory(this._page))
  );
};

/**
 * @param {string} url  of the gateway
 * @param {function(MakeOpener | null, string): void} callback  receives null, and the URL of the script
 *     that cannot be loaded
 */
Starter.prototype._load = function (url, callback) {
  var page = this._page;
  var settings = this._settings;
  var scriptUrl = scriptUrlOf(url, settings, page);
  function loadSockJS() {
    loadScript(scriptUrl, page, "SockgateSockJS", function (script) {
      callback(script && script.opener, scriptUrl);
    });
  }
  if (!settings.shared) {
    return loadSockJS();
  }
  // It has all ways, too.
  loadScript(settings.sharedUrl, page, "SockgateShared", function (script) {
    if (script && script.opener) {
      callback(script.opener, "");
    } else if (settings.transport === "websocket") {
      callback(null, "");
    } else {
      loadSockJS();
    }
  });
};

/**
 * @param {Starter} starter
 * @param {string} url
 * @param {boolean} isProven
 * @returns {SockJSLike}
 */
function startAttempt(starter, url, isProven) {
  var clock = starter._clock;
  var settings = starter._settings;
  /** null: it has failed; undefined: it is not tried. @type {SockJSLike | null | undefined} */
  var raw;
  var cancel = nothing;
  var isOver = false;
  var isLoading = false;
  /** Why the script is not there. @type {Close | null} */
  var missing = null;
  var isAuto = settings.transport === "auto";
  /** @type {any} */
  var attempt = { close: settle };

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
    raw.onclose = function () {
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
    cancel = clock.after(0, function () {
      fail(close);
    });
  }

  function load() {
    isLoading = true;
    starter._load(url, function (makeOpener, scriptUrl) {
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
    ["open", "greetingMs", "accepted", "unanswered"].forEach(function (name) {
      /** @type {any} */ (starter)[name] = complete[name].bind(complete);
    });
    follow(complete.open(url, isProven, starter._isMute ? false : raw));
  }

  /** @param {any} socket */
  function follow(socket) {
    attempt.send = function (/** @type {string} */ text) {
      socket.send(text);
    };
    attempt.close = function () {
      settle();
      socket.onopen = socket.onmessage = socket.onheartbeat = socket.onclose = null;
      socket.close();
    };
    socket.onopen = function (/** @type {any} */ event) {
      settle();
      attempt.transport = socket.transport;
      attempt.secret = socket.secret;
      socket.onclose = attempt.onclose;
      attempt.onopen(event);
    };
    socket.onmessage = function (/** @type {any} */ event) {
      attempt.onmessage(event);
    };
    socket.onheartbeat = function () {
      attempt.onheartbeat();
    };
    socket.onclose = function (/** @type {any} */ event) {
      attempt.onclose(event);
    };
  }

  function settle() {
    isOver = true;
    cancel();
  }
}
