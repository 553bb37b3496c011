/**
 * The badge of pages in DEBUG. Django's tag loads this script before the page's own ones, and never
 * in production. It follows each client of the page.
 */
import { followClients } from "../../base/registry.js";
import { unknownOptions, wrongOptions } from "../../core/options.js";
import { Badge } from "./badge.js";
import { watch } from "./events.js";
import { isHidden } from "./hidden.js";
import { explainer, watchPolicy } from "./hints.js";

install(window);

/** @param {Window & typeof globalThis} page */
function install(page) {
  var canShow = "attachShadow" in Element.prototype && "adoptedStyleSheets" in Document.prototype;
  /** @type {Badge | undefined} */
  var badge;
  if (canShow && !isHidden()) {
    var violation = watchPolicy(page);
    followClients(page, function (client, events, explain, options) {
      unknownOptions(options).concat(wrongOptions(options)).forEach(function (text) {
        page.console.warn("sockgate: " + text);
      });
      badge = badge || new Badge(page, explainer(page, explain, violation));
      badge.enter(client.state, {});
      watch(events, badge);
    });
  }
}
