/**
 * Sockgate's browser client.
 *
 *     var rt = Sockgate.connect({ tokenUrl: "/realtime/token/" });
 *     rt.on("news", function (data, message) { … });
 *
 * Without options, the client reads its configuration and a first token from the page, where the
 * template tag `{% sockgate_client %}` of Sockgate's Django app has written them.
 *
 * ## Messages
 *
 * A publication `{"event": "news", "data": …}` calls the handlers of "news". Any other publication
 * calls the handlers of "message", with the whole payload as data. A handler receives the data and
 * the message: `{event, data, channel, offset}`. Only a sequenced publication has an `offset`.
 * `rt.on("*", handler)` receives every message. `rt.off("news", handler)` removes one handler, and
 * `rt.off("news")` removes all handlers of the event. `rt.listen("news", handler)` adds a handler,
 * and returns a function that removes it.
 *
 * Django's `touch(channel)` is the event "touch": something changed on the channel. Its data is `{audience}`, about how many
 * connections receive it. Of touches within a quarter of a second the first one arrives at once, and then the last.
 *
 * ## State
 *
 * `rt.state` is one of the following. When it changes, the client calls
 * `rt.onstate = function (state, detail) { … }` and the handlers of `rt.on("state", …)`.
 *
 * - "connecting"
 * - "connected": the detail is `{transport, user, connection}`; these are also `rt.transport`,
 *   `rt.user` (a primary key as text, null for a visitor) and `rt.connection`
 * - "interrupted": connected, but the gateway has lost its connection to Redis. No message can
 *   arrive, and the page may show outdated data. The client resumes by itself; the detail is that
 *   of "connected"
 * - "waiting" for the next attempt: `{ms, code, reason}`; exponential back-off with full jitter
 * - "offline": the browser has no network, or the page sleeps. The client resumes by itself
 * - "closed" until `rt.connect()`: `{code, reason}`. The login has ended, the page has called
 *   `rt.close()`, or another attempt would be useless. `code` is a close code, or the HTTP status of
 *   the token endpoint (401: not signed in; 200: a response without a token)
 *
 * `rt.rtt` is the last round trip to the gateway in ms, null before the first connection. The client
 * sends a `ping` after 30 s of silence, when the page wakes up, and when the browser is online again.
 * A link that stays silent for 5 s more is dead, and the client reconnects (3007).
 *
 * ## Channels
 *
 * A page receives the publications of its user's channel, of the user's groups and of `broadcast`
 * without a call. It subscribes to other channels once. The client fetches the grant from Django,
 * and on each reconnect it subscribes again and recovers what it missed:
 *
 *     var room = rt.subscribe("room:7");
 *     room.on("news", function (data, message) { … });
 *     room.presence(function (refusal, frame) { … frame.users["7"] … });
 *     room.publish("client-typing", { … }, function (refusal) { … });
 *     room.unsubscribe();
 *
 * `room.publish` publishes to all subscribers of the channel, this page included, where the
 * channel's namespace in Django has `"publish": "subscribers"`. The event's name begins with
 * "client-", and the message has `from`, the user's primary key. A message that the server has
 * published never has `from`.
 *
 * `room.on` receives events of this channel only, `rt.on` of all channels. `room.state` is
 * "subscribing", "subscribed" or "unsubscribed". A channel that was rejected or taken away stays so
 * until the user's rights change in Django. Then the client subscribes again by itself.
 *
 * `rt.subscribe(channel, options)` takes `grant`, a grant that the page already has (null: the
 * channel is public), and `recover`: the position at which the page was rendered, as
 * `[epoch, offset]`; or how many of the newest publications to receive first, "all" for what the
 * history has; or false for no recovery. `rt.presence(channel, callback)` needs no
 * subscription object. Without a callback, the response is only the event "presence", and a refusal an
 * "error"; the modules return a promise instead.
 *
 * Where the channel's namespace has `presence_data`, the presence has data: `frame.data["7"]` is what
 * Django says about a user, and `frame.page_data["7"]` what each page of the user says about itself.
 * With `presence_data: "subscribers"` a page says something until it unsubscribes or reconnects, so
 * say it after each "subscribed":
 *
 *     room.presence(function (refusal) { … }, { editing: "title" });
 *
 * The data is an object of at most 1,024 bytes as JSON, or null: nothing. "join" has `data`, and
 * "presence_changed" has `data`, `page_data` or both: what has changed.
 *
 * ## Other events
 *
 * The handlers of a subscription and of the client receive `(channel, frame)`.
 *
 * - "gap": publications on the channel may have been lost. Reload what the page shows; later
 *   publications follow without a gap
 * - "subscribed": the page receives the channel's publications from now on. Emitted again after
 *   each reconnect, and when the user's rights were renewed
 * - "unsubscribed": the page does not receive them any more. `frame.code` is that of the refusal,
 *   "revoked" or "rights_changed" (taken away), or "unsubscribed" (by the page). `frame.reason` is a
 *   sentence for users, `frame.message` is for developers
 * - "join", "leave": the first connection of `frame.user` has subscribed, or the last one has gone
 * - "presence": the response to `presence`: `{users: {"7": 2}, anonymous: 1}`, numbers of
 *   connections
 *
 * - "presence_changed": the data of `frame.user` has changed, see below
 * - "error": a request was refused, and the page has no callback or handler for that: a `publish`
 *   without a callback, a channel without a handler of "unsubscribed", a frame. The handlers of the
 *   channel's subscriptions and of the client receive `(code, frame)`, with `frame.channel` and
 *   `frame.message`. Without a handler, the client writes a warning to the console
 *
 * Only the client's handlers receive the following.
 *
 * - "user": the page's login has become another user's. The handler receives `(now, before)`,
 *   primary keys as text, or null for a visitor. Remove from the page what belongs to the former
 *   user, or reload it
 *
 * With `{% sockgate_session_guard %}` or `sockgate/guard`, they also receive this one:
 *
 * - "session-expiring": the login is about to end. The handler receives `{expiresIn, canStay, stay}`:
 *   seconds, whether the login can be extended, and a function that does so and returns a promise
 *
 * These names, "state" and "*" are reserved. Django refuses to publish an event with such a name.
 * One that another program publishes arrives as "message".
 *
 * ## Promises and loops
 *
 * The ES module (sockgate.mjs, `import { connect } from "sockgate"`) and the CommonJS module have all
 * of the above, and the following. The script, for old browsers, does not.
 *
 *     await rt.ready({ timeout: 5000 });
 *     await room.ready();
 *     const { users, anonymous } = await room.presence();
 *     await room.publish("client-typing", { … });
 *     await room.setPresence({ editing: "title" });
 *     for await (const message of room.messages({ signal })) { … }
 *
 * - `rt.ready(options)` waits for a connection: its value is the detail of "connected". `room.ready`
 *   waits until the channel is subscribed. The options are `timeout` in milliseconds, and `signal`
 * - `room.presence()`, `rt.presence(channel)` and `room.publish(event, data)` return promises, unless
 *   they are given a callback. The refusal of a `publish` that nobody awaits is an "error" event
 * - `room.setPresence(data)` says something about this page in the presence, and again on each later
 *   connection. Before the channel is subscribed the promise is fulfilled at once
 * - `room.messages(options)` and `rt.messages(options)` are the messages from this call on. The loop
 *   ends when `signal` aborts, when the page unsubscribes or when it closes the client. It throws when
 *   the channel was rejected or taken away, when the client was closed otherwise ("closed"), or when
 *   the loop is more than `limit` messages behind (1000; "overflow"). "gap" is an event, as above
 * - `room.loadState(load, apply, options)` calls `load` when the channel is subscribed, and `apply` with
 *   its result. Publications that came meanwhile follow. After a gap it loads again, at a random moment
 *   within `jitterMs` (3000). A `load` that fails is an "error" with the code "load_failed", and is
 *   tried again. It returns a function that ends it. For the script, `sockgate-state.js` has
 *   `SockgateState.loadState(room, load, apply, options)`
 * - `SockgateError` is what they throw. `code` is that of the refusal, or "not_connected", "timeout",
 *   "closed", "overflow". `channel` is the channel, and `closeCode` belongs to "closed". An aborted
 *   signal rejects with the signal's own reason
 * - `connect<Events>()` checks names and data of events, in TypeScript
 *
 * Without a document (on a server that renders pages, in Node.js, in a worker) a client can be made.
 * It connects when `rt.connect()` is called.
 *
 * ## Options
 *
 * - `autoConnect: false`: do not connect before `rt.connect()`
 * - `url`: URL of the gateway; default: the one in the response of the token endpoint
 * - `tokenUrl`: where to POST for a token ("/realtime/token/"), or `getToken: function (callback)`,
 *   which calls `callback(error, token)`. The token is a string or `{token, expires_in, url}`. An
 *   error with status 401 or 403 means "not signed in"
 * - `loginRequired: true`: the page has no login, and `tokenUrl` would refuse. The client is "closed"
 *   with 401 and requests nothing, until `rt.connect()`
 * - `grantUrl`: where to POST for the grant of a channel ("grant/", beside `tokenUrl`), or
 *   `getGrant: function (channel, callback)`, which calls back like `getToken`, with a grant
 * - `grants`: grants that the page has, by channel: `{"room:7": {grant, expires_in}}`
 * - `token`, `expiresIn`: a first token, and its lifetime in seconds
 * - `transport`: "auto", the gateway's WebSocket, and SockJS where that fails; "websocket", never
 *   SockJS; "sockjs", only SockJS
 * - `transports`: the only transports that may be used, such as `["websocket", "xhr-streaming"]`
 * - `fallbackAfterMs`: wait in ms until the next transport is tried beside one that has not opened; 1500
 * - `upgradeAfterMs`: wait in ms over HTTP until a WebSocket is tried in the background; 15000
 * - `sockjsUrl`: URL of SockJS's script, which is loaded when it is needed; default: `url` and
 *   "/sockjs.js"
 * - `shared: true`: the tabs of one login share one connection, where the browser can do that. Each tab
 *   keeps its subscriptions, its handlers and its states. docs/shared.md has the details
 * - `sharedUrl`: URL of the script for `shared`, on the page's own origin; default: the one that Django's
 *   tag names. A module can `import "sockgate/shared"` instead
 * - `reconnect`: `{minMs: 500, maxMs: 30000}`, upper limits of the first and of every random wait
 * - `csrfToken`, `csrfCookieName`, `csrfHeaderName`: where they differ from Django's defaults
 * - `debug: true` writes each state to the console, with code and reason
 * - `log: function (text)` receives each state and each warning, instead of the console. Neither
 *   contains a token or a payload
 *
 * ## Warnings
 *
 * The console shows one warning when the client is closed for good, and one when it cannot connect:
 * after three failed attempts, or six where the page was connected before. A warning has the code,
 * the reason, what to check, and the place in the documentation. In DEBUG, Django's tag also adds
 * badge.js, which shows state, transport, last event and what to check in the page.
 */
import { assemble } from "./core/assembly.js";
import { Client } from "./core/client.js";
import { post } from "./credentials/post.js";
import { Subscription } from "./channels/subscription.js";
import { Starter } from "./transports/starter.js";

export { CloseCode } from "./wire/contract.js";

/** @type {import("./core/assembly.js").Kinds} */
const KINDS = { Client, Subscription, post, makeOpener };

/**
 * Connect this page to its gateway.
 *
 * @param {import("./sockgate.js").Options} [options]  see above
 * @returns {Client}
 */
export function connect(options) {
  // For other scripts of the page: sockgate-live.js uses the same client.
  return (/** @type {any} */ (connect).client = assemble(options, window, KINDS));
}

/** @type {import("./transports/starter.js").MakeOpener} */
function makeOpener(settings, page, clock) {
  return new Starter(settings, page, clock);
}
