/**
 * `<sockgate-progress>`: one bar, which Django has rendered with its present value.
 *
 * Strategy: Django writes a data block with id and report right before the element. Any other element of this name, such as one
 * in HTML that a user wrote, stays as it is: its attributes order nothing. The element has a native `<progress>` and a text beside it. A region that nobody sees announces the start, each
 * quarter, a retry and the end to screen readers. All texts are set as text. Reports are compared by the number of their run
 * and of the report, so an older one changes nothing.
 */
import { documentOf } from "../../base/globals.js";
import { dataOf } from "../../base/orders.js";

const FINAL = ["done", "failed"];
/** Set by the CSSOM, which a policy without inline styles allows. */
const UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

/**
 * @typedef {Object} Report
 * @property {string} id
 * @property {number} run
 * @property {number} n
 * @property {string} state
 * @property {number} done
 * @property {number | null} total
 * @property {string} message
 * @property {number} attempt
 * @property {number} stalled_after  seconds
 * @property {number} [age]  seconds since the report, in a response
 */

/**
 * @param {any} page  a window
 * @param {import("./board.js").Board} board  of the page
 * @returns {any} the class of the element
 */
export function elementOf(page, board) {
  return class SockgateProgress extends page.HTMLElement {
    connectedCallback() {
      const order = dataOf(page, this.previousElementSibling, "bar");
      if (order && order.id !== this.progressId) {
        this.progressId = order.id;
        /** @type {any} */
        this._quarter = "";
        /** @type {Report | null} */
        this._report = order.report;
      }
      if (!this.progressId) {
        return;
      }
      if (!this._region) {
        this._region = documentOf(page, "createElement").call(page.document, "span");
        this._region.setAttribute("role", "status");
        this._region.style.cssText = UNSEEN;
      }
      this.appendChild(this._region);
      if (this._report) {
        this._paint(this._report);
      }
      this._wait(this._report && this._report.age);
      board.add(this);
    }

    disconnectedCallback() {
      page.clearTimeout(this._timer);
      board.remove(this);
    }

    get isOver() {
      return !!this._report && FINAL.includes(this._report.state);
    }

    /** Show a report, unless it is older than the one that is shown. @param {Report} report */
    show(report) {
      const shown = this._report;
      if (shown && (report.run < shown.run || (report.run === shown.run && report.n < shown.n))) {
        return;
      }
      const isNews = !shown || report.run !== shown.run || report.n !== shown.n;
      this._report = report;
      if (isNews || this.getAttribute("state") !== "stalled" || !isOld(report)) {
        this._paint(report);
      }
      this._wait(report.age);
      if (isNews && FINAL.includes(report.state)) {
        this.dispatchEvent(new page.CustomEvent(`progress-${report.state}`, { bubbles: true, detail: report }));
      }
    }

    /**
     * Stay as it is in a refresh of what is around it, and show what is later.
     *
     * @param {Element} fresh  the element that Django has rendered now
     * @returns {boolean} it is the bar of the same work
     */
    follow(fresh) {
      // The block before the element may have been refreshed already.
      const order = dataOf(page, fresh.previousElementSibling, "bar") || dataOf(page, this.previousElementSibling, "bar") || {};
      const isSame = !!order.id && order.id === this.progressId;
      if (isSame && order.report) {
        this.show(order.report);
      }
      return isSame;
    }

    /** There is no record of it. */
    miss() {
      if (!this._report) {
        this._wait(0);
      }
    }

    /** @param {Report} report */
    _paint(report) {
      const { texts } = board;
      const bar = this.querySelector("progress");
      const text = this.querySelector("span:not([role])");
      const { state, total, done, message, attempt } = report;
      this.setAttribute("state", isOld(report) ? "stalled" : state);
      if (bar && total) {
        bar.max = total;
        bar.value = Math.min(done, total);
      } else if (bar && state === "done") {
        bar.value = bar.max = 1;
      } else if (bar) {
        bar.removeAttribute("value");
      }
      const share = total ? Math.min(done / total, 1) : null;
      const said = isOld(report) ? texts.stalled : state === "running" ? message || (share === null ? texts.running : "") : message || texts[state];
      const percent = share === null || FINAL.includes(state) ? "" : board.percent(share);
      const again = attempt > 1 && !FINAL.includes(state) ? String(texts.attempt).replace("{number}", String(attempt)) : "";
      const words = [percent, said, again].filter(Boolean).join(" · ");
      if (text) {
        text.textContent = words;
      }
      const quarter = `${this.getAttribute("state")} ${share === null ? 0 : Math.floor(share * 4)} ${attempt}`;
      if (quarter !== this._quarter) {
        this._quarter = quarter;
        this._region.textContent = words;
      }
    }

    /** Ask when there was no news for too long. @param {number | null} [age] */
    _wait(age) {
      page.clearTimeout(this._timer);
      if (this.isOver) {
        return;
      }
      const limit = this._report ? this._report.stalled_after : board.waitS;
      const left = Math.max(limit - (age || 0), limit / 2, 5);
      this._timer = page.setTimeout(() => board.ask([this]), left * 1000);
    }
  };
}

/** @param {Report} report */
function isOld(report) {
  return report.state === "running" && (report.age || 0) >= report.stalled_after;
}
