/**
 * The script `sockgate-guard.js`, which Django's tag `{% sockgate_session_guard %}` loads: it guards the page by the tag's
 * configuration, with the page's client, or with one of its own where the page has none.
 */
import { ensureClient } from "../clients.js";
import { orderOf } from "../../base/orders.js";
import { guardSession } from "./module.js";

export { guardSession };

if (orderOf(window, "guard")) {
  guardSession();
  ensureClient(window);
}
