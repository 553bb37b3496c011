/**
 * The badge of pages in DEBUG. Django's tag loads this script before the page's own ones, and never
 * in production. Each new client of the page calls `window.SockgateBadge`.
 */
import { Badge } from "./badge.js";
import { watch } from "./events.js";
import { isHidden } from "./hidden.js";

install(window);

/** @param {Window} page */
function install(page) {
  var canShow = "attachShadow" in Element.prototype && "adoptedStyleSheets" in Document.prototype;
  /** @type {Badge | undefined} */
  var badge;
  if (canShow && !isHidden()) {
    var former = page.SockgateBadge;
    page.SockgateBadge = function (client, events, explain) {
      if (former) {
        former(client, events, explain);
      }
      badge = badge || new Badge(page.document, explain);
      badge.enter(client.state, {});
      watch(events, badge);
    };
  }
}
