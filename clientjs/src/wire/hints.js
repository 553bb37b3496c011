/**
 * What to check after a code: a close code, a code of sockjs-client, or the HTTP status of the token
 * endpoint. Where a code is missing, its reason is enough. docs/troubleshooting.md explains each
 * code, under an anchor with its number.
 *
 * @type {Object<number, string>}
 */
export const HINTS = {
  200: "that no other view answers tokenUrl",
  401: "the login, ANONYMOUS",
  403: "the CSRF token, CSRF_TRUSTED_ORIGINS",
  404: "that urls.py includes sockgate.urls",
  503: "Redis",
  1002: "that the gateway runs, GATEWAY_URL, SOCKGATE_ORIGINS",
  2000: "the proxy, connect-src, script-src",
  3003: "Redis",
  4400: "SOCKGATE_SIGNING_KEYS",
  4401: "the clocks",
  4402: "that Django and the gateway use one Redis, database, KEY_PREFIX"
};
