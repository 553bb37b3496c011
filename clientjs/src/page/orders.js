/**
 * What Django's template tags tell the scripts of a page, in `<script type="application/json" data-sockgate="<kind>">`.
 *
 * Strategy: a page may show HTML that a user wrote. Sanitizers keep ids and `data-*` attributes and remove every `<script>`, so
 * an order is never looked up by an id, nor read from an attribute of another element. The method is taken from the prototype,
 * because an element with a `name` hides the same property of `document`.
 */

/**
 * @param {any} page  a window
 * @param {string} kind  `client`, `guard`, `progress`, `live`, …
 * @returns {{script: any, data: any}[]} in the order of the document; a block that is not JSON is left out
 */
export function ordersOf(page, kind) {
  return ordersIn(page, page.document, kind);
}

/**
 * @param {any} page  a window
 * @param {any} document  that of the page, or one that was parsed from a response
 * @param {string} kind
 * @returns {{script: any, data: any}[]}
 */
export function ordersIn(page, document, kind) {
  var prototype = page.Document && page.Document.prototype;
  var find = (prototype && prototype.querySelectorAll) || document.querySelectorAll;
  var found = find ? find.call(document, 'script[type="application/json"][data-sockgate="' + kind + '"]') : [];
  var orders = [];
  for (var i = 0; i < found.length; i += 1) {
    try {
      orders.push({ script: found[i], data: JSON.parse(found[i].text) });
    } catch (error) {
      // Cut off by whoever sends the page.
    }
  }
  return orders;
}
