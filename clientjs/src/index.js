/**
 * Sockgate's browser client.
 *
 *     var rt = Sockgate.connect({ tokenUrl: "/realtime/token/" });
 *     rt.on("news", function (data, message) { … });
 *
 * Without options it is told everything by `{% sockgate_client %}`, Sockgate's tag for Django
 * templates, which leaves the configuration and a first token in the page.
 *
 * ## Messages
 *
 * What is published as `{"event": "news", "data": …}` calls the handlers of "news"; anything
 * else calls those of "message", with the whole payload as the data. A handler is given the data
 * and the message: `{event, data, channel, offset}`, the offset where the publication has one.
 * `rt.on("*", handler)` hears every message; `rt.off("news", handler)` takes one handler away,
 * `rt.off("news")` all of them.
 *
 * ## State
 *
 * `rt.state` is one of these; `rt.onstate = function (state, detail) { … }` and
 * `rt.on("state", …)` are told when it changes, with a detail:
 *
 * - "connecting"
 * - "connected": `{transport, user, connection}`, which are also `rt.transport` and so on
 * - "interrupted": still attached, but the gateway has lost Redis: nothing can arrive, and what
 *   the page shows may be out of date. Resumes by itself; the detail is that of "connected"
 * - "waiting" for the next attempt: `{ms, code, reason}`; backs off exponentially, with full jitter
 * - "offline": the browser has no network, or the page sleeps; resumes by itself
 * - "closed" for good: `{code, reason}`; the login ended, the page closed it, or there is no use
 *   in trying. `code` is a close code, or the status of the token endpoint (401: not signed in).
 *   `rt.connect()` begins again.
 *
 * ## Channels
 *
 * A page hears its user, the user's groups and what is broadcast without asking. Others it asks
 * for, once; the client fetches the grant from Django, and asks again by itself whenever it has
 * come back, for what it missed, too:
 *
 *     var room = rt.subscribe("room:7");
 *     room.on("news", function (data, message) { … });
 *     room.presence(function (refusal, who) { … who.users["7"] … });
 *     room.publish("client-typing", { … }, function (refusal) { … });
 *     room.unsubscribe();
 *
 * `room.publish` speaks to all who hear the channel, this page too, where the channel's namespace
 * in Django has `"publish": "subscribers"`. The event's name begins with "client-", and the message
 * that arrives has `from`, the user's primary key: what the server has published never has.
 *
 * `room.on` is told of this channel alone, `rt.on` of all; `room.state` is "subscribing",
 * "subscribed" or "unsubscribed". What was refused or taken away stays so until the user's rights
 * change in Django; then the client asks again by itself. `rt.subscribe(channel, options)` takes
 * `grant`, a grant that the page holds already (null: the channel is public), and `recover`, the
 * position that the page was rendered at, as `[epoch, offset]`, or false: never recover.
 * `rt.presence(channel, callback)` is that of a subscription.
 *
 * ## Other events
 *
 * Each is given `(channel, frame)`, to a subscription's handlers and to the client's.
 *
 * - "gap": publications on the channel may have been lost. Load afresh what the page shows; what
 *   comes from now on follows on that.
 * - "subscribed": from now on the channel is heard; each time that the client has come back, or
 *   that the user's rights were renewed
 * - "unsubscribed": it is not any more; the frame's `code` says why it was refused
 * - "join", "leave": `frame.user` has come, or has gone with the last connection
 * - "presence": an answer to `presence`: `{users: {"7": 2}, anonymous: 1}`, in connections
 * - "error": the gateway refused a frame; given `(code, frame)`, to the client's handlers alone
 *
 * Those names, "state" and "*" are reserved: a publication that calls itself so arrives as
 * "message".
 *
 * ## Options
 *
 * - `url`: the gateway's, else what the token endpoint says
 * - `tokenUrl`: where to POST for a token ("/realtime/token/"), or `getToken: function (callback)`
 *   that calls `callback(error, token)`, the token as text or as `{token, expires_in, url}`; an
 *   error with the status 401 or 403 means "not signed in"
 * - `grantUrl`: where to POST for the grant of a channel ("grant/", beside `tokenUrl`), or
 *   `getGrant: function (channel, callback)`, answered as `getToken` is, with a grant
 * - `token`, `expiresIn`: a first token, and its life in seconds
 * - `transports`: those that SockJS may use, such as `["websocket", "xhr-streaming"]`
 * - `reconnect`: `{minMs: 500, maxMs: 30000}`, the widest first wait and the widest of all
 * - `csrfToken`, `csrfCookieName`, `csrfHeaderName`: where they are not Django's usual ones
 * - `debug: true` writes to the console; `log: function (text)` elsewhere. Never a token.
 */
import SockJS from "sockjs-client";

import { Backoff } from "./backoff.js";
import { Client } from "./client.js";
import { Clock } from "./clock.js";
import { csrfHeaders } from "./csrf.js";
import { GrantSource } from "./grants.js";
import { unguessableId } from "./ids.js";
import { Network } from "./online.js";
import { Positions } from "./positions.js";
import { post } from "./post.js";
import { Requests } from "./requests.js";
import { readSettings } from "./settings.js";
import { Subscriptions } from "./subscriptions.js";
import { TokenSource } from "./token.js";

export { CloseCode } from "./closecodes.js";

/**
 * Connect this page to its gateway.
 *
 * @param {import("./sockgate.js").Options} [options]  see above
 * @returns {Client}
 */
export function connect(options) {
  var settings = readSettings(options, document);
  var clock = new Clock();
  var ask = asker(settings);
  var positions = new Positions();
  return new Client({
    open: opener(settings),
    tokens: new TokenSource(settings, clock, ask),
    positions: positions,
    subscriptions: new Subscriptions({
      grants: new GrantSource(settings, clock, ask),
      positions: positions,
      requests: new Requests(),
      clock: clock,
      makeBackoff: makeBackoff
    }),
    backoff: makeBackoff(),
    network: new Network(window),
    clock: clock,
    random: Math.random,
    log: logger(settings)
  });

  function makeBackoff() {
    return new Backoff(settings.reconnect, Math.random);
  }
}

/** @typedef {import("./settings.js").Settings} Settings */

// SockJS's own patience with a transport is a few round trips: less than a gateway needs to whom
// everybody comes back at once, and then everybody would end up on a costlier transport.
var PATIENCE_MS = 4000;

/** @param {Settings} settings */
function opener(settings) {
  return function (/** @type {string} */ url) {
    return new SockJS(url, null, {
      transports: settings.transports,
      timeout: PATIENCE_MS,
      sessionId: function () {
        return unguessableId(window);
      }
    });
  };
}

/**
 * @param {Settings} settings
 * @returns {import("./token.js").Ask}
 */
function asker(settings) {
  return function (url, body, callback) {
    return post(url, body, csrfHeaders(url, settings, document), callback);
  };
}

// IE8 and IE9 have a console only while their developer tools are open.
/**
 * @param {Settings} settings
 * @returns {function(string): void}
 */
function logger(settings) {
  return function (text) {
    if (settings.log) {
      settings.log(text);
    } else if (settings.debug && window.console) {
      window.console.log("sockgate: " + text);
    }
  };
}
