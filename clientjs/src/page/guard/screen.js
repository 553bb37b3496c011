/**
 * The dialog that warns, and the cover.
 *
 * Strategy: both are modal `<dialog>` elements in a shadow root beside the body. So they are above everything, the page
 * below is inert, and page and guard do not restyle each other. A constructed style sheet needs no inline style. Under the
 * last cover the body is not displayed at all: it cannot be printed or searched, and a dialog that the page opens
 * later stays invisible. All texts are set as text.
 */
import { documentOf, setOfDocument } from "../../base/globals.js";
import { ESSENTIAL, STYLE } from "./style.js";

/** The rest of the time is announced to screen readers at these seconds. */
const ANNOUNCED_S = [60, 30, 10];

/** @typedef {"checking" | "ended" | "other"} Cover */

export class Screen {
  /**
   * @param {any} page  a window
   * @param {any} config  see index.js
   */
  constructor(page, config) {
    this._page = page;
    this._config = config;
    this._texts = config.texts || {};
    /** @type {any} */
    this._root = null;
    /** @type {any} */
    this._warning = null;
    /** @type {any} */
    this._cover = null;
    this._isFinal = false;
    /** No style sheet of its own. */
    this._isPlain = false;
    this._announced = Infinity;
  }

  get isWarning() {
    return !!this._warning;
  }

  /**
   * Open the dialog.
   *
   * @param {boolean} canStay
   * @param {function(): Promise<any>} stay
   */
  warn(canStay, stay) {
    this.dismiss();
    this._announced = Infinity;
    const texts = this._texts;
    const dialog = this._dialog("warning", "alertdialog", texts.title, canStay ? texts.hint : texts.fixed);
    const left = this._make("p", { id: "left", role: "timer" }, dialog);
    const announcement = this._make("p", { class: "quiet", role: "status" }, dialog);
    const failed = this._make("p", { id: "failed", role: "alert", hidden: "" }, dialog, texts.failed);
    const actions = this._make("div", { class: "actions" }, dialog);
    const dismiss = this._make("button", { type: "button", part: "button" }, actions, texts.dismiss);
    dismiss.onclick = () => this.dismiss();
    if (canStay) {
      const button = this._make("button", { type: "button", class: "primary", part: "button primary" }, actions, texts.stay);
      button.onclick = () => {
        button.disabled = true;
        failed.hidden = true;
        stay().catch(() => {
          button.disabled = failed.hidden = false;
        });
      };
      button.setAttribute("autofocus", "");
    }
    // Escape.
    dialog.addEventListener("cancel", () => this.dismiss());
    this._warning = { dialog, left, announcement };
    this._open(dialog);
  }

  /** Show the rest of the time. @param {number} leftMs */
  show(leftMs) {
    if (this._warning) {
      const seconds = Math.ceil(leftMs / 1000);
      const text = this._leftText(seconds);
      this._warning.left.textContent = text;
      const due = ANNOUNCED_S.find((limit) => seconds <= limit && limit < this._announced && seconds > limit - 5);
      if (due) {
        this._announced = due;
        this._warning.announcement.textContent = text;
      }
    }
  }

  /** Close the dialog. */
  dismiss() {
    if (this._warning) {
      const { dialog } = this._warning;
      this._warning = null;
      this._close(dialog);
    }
  }

  /** Cover the page. @param {Cover} why  "checking" can be lifted */
  cover(why) {
    this.lift();
    const texts = this._texts;
    const hint = { checking: texts.checkingHint, ended: texts.endedHint, other: texts.endedHint }[why];
    const dialog = this._dialog("cover", "alertdialog", texts[why], hint);
    dialog.className = why;
    this._cover = dialog;
    if (why !== "checking") {
      this._isFinal = true;
      this._hideBody();
      setOfDocument(this._page, "title", texts[why]);
      this._links(this._make("div", { class: "actions" }, dialog));
    }
    dialog.addEventListener("cancel", (/** @type {Event} */ event) => event.preventDefault());
    // A browser may close it all the same, at a second Escape.
    dialog.addEventListener("close", () => this._cover === dialog && this._open(dialog));
    this._open(dialog);
  }

  /** Uncover the page. */
  lift() {
    if (this._cover && !this._isFinal) {
      const dialog = this._cover;
      this._cover = null;
      this._close(dialog);
    }
  }

  /** @param {any} actions */
  _links(actions) {
    const { loginUrl, nextName } = this._config;
    const { location } = this._page;
    const reload = this._make("a", { href: location.href.split("#")[0], part: "button" }, actions, this._texts.reload);
    const url = loginUrl && new URL(loginUrl, location.href);
    if (url && /^https?:$/.test(url.protocol)) {
      // A path that begins with two slashes would be another site's.
      url.searchParams.set(nextName, location.pathname.replace(/^[/\\]+/, "/") + location.search);
      const login = this._make("a", { href: url.href, class: "primary", part: "button primary" }, actions, this._texts.login);
      login.setAttribute("autofocus", "");
    } else {
      reload.setAttribute("autofocus", "");
    }
  }

  _hideBody() {
    try {
      const sheet = new this._page.CSSStyleSheet();
      sheet.replaceSync("body { display: none !important; }");
      setOfDocument(this._page, "adoptedStyleSheets", [...documentOf(this._page, "adoptedStyleSheets"), sheet]);
    } catch (error) {
      documentOf(this._page, "body").style.setProperty("display", "none", "important");
    }
  }

  /** @param {number} seconds @returns {string} */
  _leftText(seconds) {
    const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return String(this._texts.left).replace("{time}", time);
  }

  /** @param {string} id @param {string} role @param {string} title @param {string} text */
  _dialog(id, role, title, text) {
    const labels = { "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text` };
    const dialog = this._make("dialog", { id, role, "aria-modal": "true", closedby: id === "cover" ? "none" : "closerequest", part: id, ...labels });
    this._make("h2", { id: `${id}-title` }, dialog, title);
    this._make("p", { id: `${id}-text` }, dialog, text);
    return dialog;
  }

  /** @param {any} dialog */
  _open(dialog) {
    this._rootOf().appendChild(dialog);
    if (this._isPlain) {
      dialog.style.cssText = ESSENTIAL;
    }
    if (dialog.showModal) {
      dialog.showModal();
    } else {
      dialog.setAttribute("open", "");
      documentOf(this._page, "body").inert = true;
      const first = dialog.querySelector("[autofocus]") || dialog.querySelector("button, a");
      if (first) {
        first.focus();
      }
    }
  }

  /** @param {any} dialog */
  _close(dialog) {
    if (dialog.close) {
      dialog.close();
    } else if (!this._cover) {
      documentOf(this._page, "body").inert = false;
    }
    dialog.remove();
  }

  _rootOf() {
    if (!this._root) {
      const { lang, dir } = this._config;
      const host = this._make("div", { id: "sockgate-guard", "data-turbo": "false", ...(lang && { lang }), ...(dir && { dir }) });
      this._root = host.attachShadow({ mode: "open" });
      try {
        const sheet = new this._page.CSSStyleSheet();
        sheet.replaceSync(STYLE);
        this._root.adoptedStyleSheets = [sheet];
      } catch (error) {
        this._isPlain = true;
      }
      documentOf(this._page, "documentElement").appendChild(host);
    }
    return this._root;
  }

  /**
   * @param {string} tag
   * @param {Object<string, string>} attributes
   * @param {any} [parent]
   * @param {string} [text]
   * @returns {any}
   */
  _make(tag, attributes, parent, text) {
    const element = documentOf(this._page, "createElement").call(this._page.document, tag);
    Object.keys(attributes).forEach((name) => element.setAttribute(name, attributes[name]));
    if (text !== undefined) {
      element.textContent = text;
    }
    if (parent) {
      parent.appendChild(element);
    }
    return element;
  }
}
