/**
 * `import "sockgate/shared"`: the shared connection inside a bundle, for pages without its script.
 */
import { open } from "./index.js";

/** @type {any} */ (typeof self === "object" ? self : globalThis).SockgateShared = { open };
