/**
 * The badge: a line with state and transport, and details that open by themselves when the client
 * does not connect.
 *
 * Strategy: the badge is beside the body, in a shadow root with a constructed style sheet. So a
 * Content-Security-Policy without inline styles allows it, page and badge do not restyle each other,
 * and a script that replaces the body leaves the badge.
 */
import { documentOf } from "../../base/globals.js";
import { hide } from "./hidden.js";
import { STYLE } from "./style.js";

var CLOSED_BY_PAGE = 1000;
var INTERRUPTED = "The gateway has lost Redis. It resumes by itself.";

/**
 * @constructor
 * @param {any} page  a window
 * @param {function(import("../../wire/socket.js").Close): string} explain
 */
export function Badge(page, explain) {
  this._page = page;
  this._explain = explain;
  this._hint = "";
  this._isOpened = false;
  this._section = this._make("section", { "aria-label": "Sockgate" });
  this._summary = this._make("button", { id: "summary", type: "button", "aria-controls": "details" });
  this._details = this._make("dl", { id: "details" });
  this._state = this._row("State");
  this._transport = this._row("Transport");
  this._event = this._row("Last event");
  this._check = this._row("Check").appendChild(this._make("span", { role: "status" }));
  this._assemble();
}

/**
 * Show a state.
 *
 * @param {string} state
 * @param {any} detail
 */
Badge.prototype.enter = function (state, detail) {
  this._hint = this._hintOf(state, detail);
  this._section.setAttribute("data-state", state);
  this._summary.textContent = "Sockgate: " + [state].concat(detail.transport || []).join(", ");
  this._state.textContent = state;
  this._transport.textContent = detail.transport || "none";
  this._check.textContent = this._hint || "nothing";
  this._open(this._isOpened || !!this._hint);
};

/**
 * Show an event, with its time.
 *
 * @param {string} text
 */
Badge.prototype.note = function (text) {
  this._event.textContent = text + ", " + new Date().toLocaleTimeString();
};

// Between two attempts, the hint of the last one stays.
/**
 * @param {string} state
 * @param {any} detail
 * @returns {string}
 */
Badge.prototype._hintOf = function (state, detail) {
  if (state === "interrupted") {
    return INTERRUPTED;
  } else if (detail.code === undefined) {
    return state === "connecting" ? this._hint : "";
  }
  return detail.code === CLOSED_BY_PAGE ? "" : this._explain(detail);
};

/** @param {boolean} isOpen */
Badge.prototype._open = function (isOpen) {
  this._details.hidden = !isOpen;
  this._summary.setAttribute("aria-expanded", String(isOpen));
};

Badge.prototype._assemble = function () {
  var host = this._make("div", { id: "sockgate-badge" });
  var root = host.attachShadow({ mode: "open" });
  var sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  root.appendChild(this._section);
  this._section.appendChild(this._header());
  this._section.appendChild(this._details);
  documentOf(this._page, "documentElement").appendChild(host);
};

Badge.prototype._header = function () {
  var badge = this;
  var header = this._make("header", {});
  var close = this._make("button", { id: "hide", type: "button", "aria-label": "Hide this badge" });
  close.textContent = "×";
  close.onclick = function () {
    badge._section.hidden = true;
    hide();
  };
  this._summary.onclick = function () {
    badge._isOpened = badge._details.hidden;
    badge._open(badge._isOpened);
  };
  header.appendChild(this._summary);
  header.appendChild(close);
  return header;
};

/** @param {string} term */
Badge.prototype._row = function (term) {
  var name = this._details.appendChild(this._make("dt", {}));
  var value = this._details.appendChild(this._make("dd", {}));
  name.textContent = term;
  value.textContent = term === "Check" ? "" : "none";
  return value;
};

/**
 * @param {string} tag
 * @param {Object<string, string>} attributes
 * @returns {HTMLElement}
 */
Badge.prototype._make = function (tag, attributes) {
  var element = documentOf(this._page, "createElement").call(this._page.document, tag);
  for (var name in attributes) {
    element.setAttribute(name, attributes[name]);
  }
  return element;
};
