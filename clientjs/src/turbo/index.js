/**
 * The script `sockgate-turbo.js`: a source of Turbo Streams.
 *
 *     <sockgate-stream-source channel="orders"></sockgate-stream-source>
 *
 * `publish_to("orders", "turbo-stream", html)` in Django delivers `<turbo-stream>` elements to Turbo. The attribute `event` is
 * another name of the event.
 */
import { clientOf } from "../page/clients.js";

/**
 * @param {any} page  a window with Turbo
 * @returns {any} the class of the element
 */
export function streamSource(page) {
  return class extends page.HTMLElement {
    connectedCallback() {
      const rt = clientOf(page, "<sockgate-stream-source>");
      const channel = this.getAttribute("channel");
      if (!rt || !channel) {
        return;
      }
      page.Turbo.connectStreamSource(this);
      this._room = rt.subscribe(channel);
      this._room.on(this.getAttribute("event") || "turbo-stream", (/** @type {any} */ html, /** @type {any} */ message) => {
        // A browser's publication must not change pages, also where the event has been named `client-…`.
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
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", define);
  } else {
    define();
  }
}
