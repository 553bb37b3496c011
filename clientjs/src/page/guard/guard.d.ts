/** Types of `sockgate/guard`. */
import type { SessionExpiring } from "../../sockgate.js";

export type { SessionExpiring };

export interface GuardOptions {
  /** Of Django's session view: "/realtime/session/". */
  sessionUrl: string;
  /** Primary key of the page's user as text. */
  user: string;
  /** Seconds until the login ends; null or absent: ask. */
  expiresIn?: number | null;
  /** Seconds that the login has after an extension; null or absent: it ends at a fixed time. */
  extendsTo?: number | null;
  /** Warn at this time before the end, in seconds; default: 120. */
  warn?: number;
  /** false: no dialog; the page shows its own. */
  dialog?: boolean;
  /** false: the content stays visible when the login has ended. */
  cover?: boolean;
  loginUrl?: string | null;
  /** Of the parameter of `loginUrl` with the page to return to; default: "next". */
  nextName?: string;
  texts?: { [name: string]: string };
  lang?: string;
  dir?: "ltr" | "rtl";
  csrfToken?: string;
  csrfCookieName?: string | null;
  csrfHeaderName?: string;
}

/**
 * Guard this page. Without options, it takes those that `{% sockgate_session_guard %}` has written into the page, and does
 * nothing where there are none. Call it before `connect`. Returns a function that ends it.
 */
export declare function guardSession(options?: GuardOptions): () => void;

export as namespace SockgateGuard;
