/**
 * The shape of a report of progress. Whoever may publish in Redis can publish one, so a page checks it before it is shown.
 */

const STATES = ["running", "retrying", "done", "failed"];
/** As `MAX_MESSAGE_LENGTH` in Django, in the units of JavaScript: an emoji is two. */
const MAX_MESSAGE_UNITS = 1000;

/** @param {any} value @returns {boolean} a number from 0 on */
const isAmount = (value) => typeof value === "number" && value >= 0 && value < Infinity;

/** @param {any} value @returns {boolean} */
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

/**
 * @param {any} report  from Redis
 * @returns {boolean} it has the shape that `sockgate.publishing.progress` gives a report
 */
export function isReport(report) {
  return (
    !!report &&
    [report.run, report.n, report.attempt].every(isCount) &&
    [report.done, report.stalled_after].every(isAmount) &&
    (report.total === null || isAmount(report.total)) &&
    STATES.includes(report.state) &&
    typeof report.message === "string" &&
    report.message.length <= MAX_MESSAGE_UNITS
  );
}
