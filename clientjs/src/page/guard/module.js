/**
 * `sockgate/guard`: the page warns before its login ends, and is covered when it has ended. The script `sockgate-guard.js`
 * does the same by itself.
 */
import { followClients } from "../../base/registry.js";
import { orderOf } from "../../base/orders.js";
import { Guard } from "./loginguard.js";
import { request } from "./requests.js";
import { Screen } from "./screen.js";
import { ElapsedTime } from "./time.js";

/** @type {Object<string, any>} */
const DEFAULTS = { warn: 120, dialog: true, cover: true, expiresIn: null, extendsTo: null, nextName: "next", csrfCookieName: "csrftoken", csrfHeaderName: "X-CSRFToken" };

/** Events of the window, and those of the document, which pass the window first. */
const WAKING = { pageshow: false, online: false, focus: false, visibilitychange: true, resume: true };

/**
 * Guard this page. Call it before `connect`, so that it knows the page's clients.
 *
 * @param {any} [options]  default: the configuration that `{% sockgate_session_guard %}` has written into the page
 * @param {any} [page]  for tests
 * @returns {function(): void} ends it
 */
export function guardSession(options, page = window) {
  const config = { ...DEFAULTS, ...(options || orderOf(page, "guard")) };
  if (!config.sessionUrl || typeof config.user !== "string") {
    return () => undefined;
  }
  const guard = new Guard({
    page,
    config,
    screen: new Screen(page, config),
    clock: new ElapsedTime(page),
    request: (method) => request(page, config, method)
  });
  const unfollow = followClients(page, (client, events) => guard.follow(client, events));
  const onHide = (/** @type {any} */ event) => event.persisted && guard.hide();
  const onWake = () => guard.wake();
  const each = (/** @type {"addEventListener" | "removeEventListener"} */ method) => {
    page[method]("pagehide", onHide);
    Object.entries(WAKING).forEach(([type, ofDocument]) => page[method](type, onWake, ofDocument));
  };
  each("addEventListener");
  guard.start();
  return () => {
    each("removeEventListener");
    unfollow();
    guard.stop();
  };
}
