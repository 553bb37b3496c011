/**
 * sockjs-client, with session ids that cannot be guessed and a secret for each session.
 */
import SockJS from "sockjs-client";

import { unguessableId } from "../../credentials/ids.js";

// SockJS's own timeout for a transport is a few round trips. That is too short for a gateway to
// which all clients return at once: they would fall back to a costlier transport.
const TRANSPORT_TIMEOUT_MS = 4000;

/** @type {import("../script.js").OpenSockJS} */
export default function openSockJS(url, transports) {
  return new SockJS(url, null, {
    transports,
    timeout: TRANSPORT_TIMEOUT_MS,
    sessionId: makeId,
    secret: makeId
  });
}

function makeId() {
  return unguessableId(self);
}
