/** The script `sockgate-html.js`, which `{% sockgate_client live=True %}` loads beside `sockgate-live.js`: it shows what `publish_html` pushes. */
import { PUSH } from "../live/markup.js";
import { push } from "./push.js";

/** @type {any} */ (window)[PUSH] = push;
