/** Types of `sockgate/live`. */
import type { Client } from "../../sockgate.js";

/** The live fragments of a page. */
export interface Live {
  /** Find fragments that a script has added or removed. */
  scan(): void;
}

/**
 * Keep the fragments fresh that `{% live %}` of Django has written. `sockgate-live.js`, which that tag loads, does this by itself,
 * unless the page has called `SockgateLive.start(rt)` before `DOMContentLoaded`. A second call changes nothing.
 */
export declare function start(rt: Client<any>): Live;

export as namespace SockgateLive;
