/**
 * The composition of a client from its parts.
 */
import { isForOldBrowsers } from "../base/age.js";
import { Backoff } from "./backoff.js";
import { Clock } from "../base/clock.js";
import { explain } from "../wire/closecodes.js";
import { postWithToken } from "../credentials/csrf.js";
import { Events } from "../base/events.js";
import { GrantSource } from "../credentials/grants.js";
import { Network } from "../base/online.js";
import { each } from "../base/own.js";
import { Positions } from "../wire/positions.js";
import { followersOf } from "../base/registry.js";
import { Refusals } from "../wire/refusals.js";
import { Requests } from "../wire/requests.js";
import { readSettings } from "./settings.js";
import { Subscriptions } from "../channels/subscriptions.js";
import { TokenSource } from "../credentials/token.js";

/**
 * @typedef {import("./settings.js").Settings} Settings
 *
 * @typedef {Window & typeof globalThis} Page
 *
 * @typedef {import("./connection.js").Parts & import("../channels/subscriptions.js").SubscriptionsParts} Parts
 *
 * @typedef {Object} Kinds  what differs between the builds
 * @property {new (parts: import("./connection.js").Parts) => import("./client.js").Client} Client
 * @property {import("../channels/subscriptions.js").SubscriptionClass} Subscription
 * @property {typeof import("../credentials/post.js").post} post
 * @property {import("../transports/starter.js").MakeOpener} makeOpener
 */

/**
 * Make a client.
 *
 * @param {import("../sockgate.js").Options | undefined} options
 * @param {Page} page
 * @param {Kinds} kinds
 * @returns {import("./client.js").Client}
 */
export function assemble(options, page, kinds) {
  const settings = readSettings(options, page);
  const clock = new Clock();
  const post = poster(settings, page, kinds.post);
  const events = new Events();
  const warn = logger(settings, page, "warn");
  /** @type {Omit<Parts, "subscriptions">} */
  const others = {
    opener: kinds.makeOpener(settings, page, clock),
    tokens: new TokenSource(settings, clock, post),
    grantSource: new GrantSource(settings, clock, post),
    positions: new Positions(),
    requests: new Requests(clock),
    events,
    refusals: new Refusals(events, warn),
    Subscription: kinds.Subscription,
    makeBackoff,
    backoff: makeBackoff(),
    network: new Network(page),
    clock,
    random: Math.random,
    autoConnect: settings.autoConnect,
    log: logger(settings, page, "log"),
    warn
  };
  const parts = /** @type {Parts} */ (others);
  parts.subscriptions = new Subscriptions(parts);
  const client = new kinds.Client(parts);
  each(followersOf(page), (_, follower) => {
    follower(client, events, explain, options);
  });
  return client;

  function makeBackoff() {
    return new Backoff(settings.reconnect, Math.random);
  }
}

/**
 * @param {Settings} settings
 * @param {Page} page
 * @param {Kinds["post"]} post
 * @returns {import("../credentials/token.js").Post}
 */
function poster(settings, page, post) {
  return (url, body, callback) => postWithToken(url, body, settings, page, post, callback);
}

// IE8 and IE9 have a console only while their developer tools are open.
/**
 * @param {Settings} settings
 * @param {Page} page
 * @param {"log" | "warn"} level
 * @returns {function(string): void}
 */
function logger(settings, page, level) {
  return (text) => {
    if (settings.log) {
      settings.log(text);
    } else if ((!isForOldBrowsers || page.console) && (settings.debug || level === "warn")) {
      page.console[level]("sockgate: " + text);
    }
  };
}
