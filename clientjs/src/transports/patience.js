/**
 * How long a way to connect may take, in ms.
 */

/** A way that has worked may be slow when all clients return at once to a gateway. */
export const PROVEN_PATIENCE_MS = 4000;

/** How long the gateway may take to answer `connect` on a way that has worked, or on the last one. */
export const GREETING_MS = 15000;

/** The same on another way: a proxy may let a handshake through and nothing else. */
export const UNPROVEN_GREETING_MS = 2000;

/** Time over HTTP until a WebSocket is tried in the background. */
export const UPGRADE_AFTER_MS = 15000;
