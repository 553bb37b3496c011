/**
 * What the badge shows of a client: its states and its events.
 */

/**
 * @typedef {Object} Display
 * @property {function(string, any): void} enter  receives a state and its detail
 * @property {function(string): void} note  receives an event in a few words
 */

var ABOUT_CHANNELS = /^(gap|subscribed|unsubscribed|join|leave)$/;

/**
 * Show what a client emits. A handler would count as the page's, and end the client's warnings.
 *
 * @param {{emit: function(string, any=, any=): boolean}} events  of the client
 * @param {Display} display
 */
export function watch(events, display) {
  var emit = events.emit;
  events.emit = function (name, first, second) {
    var text = describe(name, first, second);
    if (name === "state") {
      display.enter(first, second);
    } else if (text) {
      display.note(text);
    }
    return emit.call(events, name, first, second);
  };
}

/**
 * @param {string} name
 * @param {any} first
 * @param {any} second
 * @returns {string} empty: nothing to show
 */
function describe(name, first, second) {
  if (name === "*") {
    return second.event + " on " + second.channel;
  } else if (name === "error") {
    return "error " + first + (second.channel ? " on " + second.channel : "");
  } else if (ABOUT_CHANNELS.test(name)) {
    return name + (second && second.code ? " " + second.code : "") + " on " + first;
  }
  return "";
}
