/**
 * Whose connection it is: the welcome of the gateway, and the tokens with which tabs refresh it.
 */
/**
 * @typedef {import("./tab.js").Tab} Tab
 * @typedef {import("./upstream.js").Upstream} Upstream
 */

const OTHER_SESSION = { code: 4402, reason: "this connection belongs to another session" };

export class Identity {
  /**
   * @param {Upstream} upstream
   * @param {string} session
   */
  constructor(upstream, session) {
    this._upstream = upstream;
    this.session = session;
    /** The `connected` frame, with the user and rights of now. @type {any} */
    this.welcome = null;
    /** The session of the last token that a tab has sent. */
    this._refreshedTo = "";
  }

  /**
   * Refresh the connection with a tab's token, once for all tabs.
   *
   * @param {Tab} tab
   * @param {any} frame
   */
  refresh(tab, frame) {
    const session = sessionOf(frame.token);
    const isFinal = !!this._refreshedTo || this.welcome.user !== null;
    if (session !== this.session && session !== this._refreshedTo && isFinal) {
      return tab.close(OTHER_SESSION);
    }
    tab.token = frame.token;
    if (session === this._refreshedTo) {
      return session === this.session ? tab.sendFrame(this._notice()) : undefined;
    }
    this._refreshedTo = session;
    this._upstream.request(frame, (answer) => this._settle(tab, session, answer), tab);
  }

  /** @param {any} frame  `refreshed` */
  change(frame) {
    const { user, expires, rights, audience, within } = frame;
    Object.assign(this.welcome, { user, expires, rights });
    this._upstream.notify(JSON.stringify({ ...this._notice(), audience, within }));
  }

  /**
   * @param {Tab} tab
   * @param {string} session
   * @param {any} answer
   */
  _settle(tab, session, answer) {
    if (answer.type !== "refreshed") {
      this._refreshedTo = "";
      return tab.sendFrame(answer);
    }
    this._upstream.hub.rename(this._upstream, this.session, session);
    this.session = session;
    this.change(answer);
  }

  _notice() {
    const { user, expires, rights } = this.welcome;
    return { type: "refreshed", user, expires, rights };
  }
}

/**
 * The session of a token: all of it but its time and its signature (docs/protocol.md#tokens). Tokens of one
 * session and one user have the same.
 *
 * @param {string} token
 * @returns {string}
 */
export function sessionOf(token) {
  const parts = String(token).split(".");
  return parts.length > 2 ? parts.slice(0, -2).join(".") : String(token);
}
