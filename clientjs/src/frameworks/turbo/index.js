/**
 * The script `sockgate-turbo.js`: a source of Turbo Streams.
 *
 *     <sockgate-stream-source channel="orders"></sockgate-stream-source>
 *
 * `publish_to("orders", "turbo-stream", html)` in Django delivers `<turbo-stream>` elements to Turbo. The attribute `event` is
 * another name of the event, which begins with `turbo-stream:`. The gateway delivers these events only when Django has signed
 * them, and all others as they are.
 */
import { clientOf } from "../../page/clients.js";
import { documentOf } from "../../base/globals.js";

/** Events whose markup the gateway verifies; `wire/events.py` has the same rule. */
const VERIFIED = /^turbo-stream(:|$)/;

/**
 * @param {any} page  a window with Turbo
 * @returns {any} the class of the element
 */
export function streamSource(page) {
  return class extends page.HTMLElement {
    connectedCallback() {
      const rt = clientOf(page, "<sockgate-stream-source>");
      const channel = this.getAttribute("channel");
      const event = this.getAttribute("event") || "turbo-stream";
      if (!rt || !channel) {
        return;
      }
      if (!VERIFIED.test(event)) {
        page.console.error(`sockgate: <sockgate-stream-source>: the event must be turbo-stream, or begin with turbo-stream:, not ${event}`);
        return;
      }
      page.Turbo.connectStreamSource(this);
      this._room = rt.subscribe(channel);
      this._room.on(event, (/** @type {any} */ html, /** @type {any} */ message) => {
        // A browser cannot publish this event. What comes from one nevertheless must not change pages.
        if (message.from === undefined && typeof html === "string") {
          this.dispatchEvent(new page.MessageEvent("message", { data: html }));
        }
      });
    }

    disconnectedCallback() {
      if (this._room) {
        page.Turbo.disconnectStreamSource(this);
        this._room.unsubscribe();
        this._room = null;
      }
    }
  };
}

if (typeof window === "object" && window.customElements && !customElements.get("sockgate-stream-source")) {
  // After Turbo and the page's own scripts.
  const define = () => customElements.get("sockgate-stream-source") || customElements.define("sockgate-stream-source", streamSource(window));
  if (documentOf(window, "readyState") === "loading") {
    window.addEventListener("DOMContentLoaded", define);
  } else {
    define();
  }
}
