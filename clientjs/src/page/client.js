/** The client of a page, for scripts beside the core that need one. */

/**
 * Return the client that the page has made last, else make one with the configuration of `{% sockgate_client %}`.
 *
 * @param {any} page  a window
 * @param {string} needed  for what, as the message says it
 * @returns {any} null: the page has no client script, or no login and so no connection
 */
export function clientOf(page, needed) {
  const { document, Sockgate } = page;
  const config = document.getElementById("sockgate-config");
  if (!config || !Sockgate) {
    page.console.error(`sockgate: ${needed} needs {% sockgate_client %} in the same page.`);
    return null;
  }
  const { client } = Sockgate.connect;
  return client || (JSON.parse(config.text).loginRequired ? null : Sockgate.connect());
}
