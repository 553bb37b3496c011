/**
 * The requests to Django's session view: GET asks how long the login lasts, and does not extend it; POST extends it.
 */
import { csrfHeaders } from "../../credentials/csrf.js";

const TIMEOUT_MS = 10000;

/**
 * @typedef {Object} Answer
 * @property {"login" | "none" | "unknown"} kind  "none": there is no login any more; "unknown": no usable response
 * @property {string} [user]
 * @property {number} [expiresInMs]
 * @property {number | null} [extendsToMs]  null: the login ends at a fixed time
 */

/**
 * @param {any} page  a window
 * @param {any} config  of the guard
 * @param {"GET" | "POST"} method
 * @returns {Promise<Answer>} never rejected
 */
export async function request(page, config, method) {
  const controller = new page.AbortController();
  const timer = page.setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const first = csrf(page, config, method);
    let response = await send(page, config, method, first, controller.signal);
    // A login in another tab has changed the CSRF token meanwhile.
    const present = csrf(page, config, method);
    if (response.status === 403 && present[config.csrfHeaderName] !== first[config.csrfHeaderName]) {
      response = await send(page, config, method, present, controller.signal);
    }
    return await read(response);
  } catch (error) {
    return { kind: "unknown" };
  } finally {
    page.clearTimeout(timer);
  }
}

/** @param {any} page @param {any} config @param {string} method @returns {Object<string, string>} */
function csrf(page, config, method) {
  return method === "POST" ? csrfHeaders(config.sessionUrl, config, page) : {};
}

/** @param {any} page @param {any} config @param {string} method @param {Object<string, string>} headers @param {any} signal */
function send(page, config, method, headers, signal) {
  return page.fetch(config.sessionUrl, {
    method,
    headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest", ...headers },
    credentials: "same-origin",
    cache: "no-store",
    redirect: "manual",
    signal
  });
}

/** @param {any} response @returns {Promise<Answer>} */
async function read(response) {
  if (response.status === 401) {
    return { kind: "none" };
  }
  const fields = response.status === 200 ? await response.json() : {};
  if (typeof fields.user !== "string" || !(fields.expires_in >= 0) || !(fields.extends_to === null || fields.extends_to >= 0)) {
    return { kind: "unknown" };
  }
  return { kind: "login", user: fields.user, expiresInMs: fields.expires_in * 1000, extendsToMs: fields.extends_to && fields.extends_to * 1000 };
}
