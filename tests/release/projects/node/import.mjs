import assert from "node:assert/strict";

import * as Sockgate from "sockgate";

assert.deepEqual(Object.keys(Sockgate).sort(), ["CloseCode", "SockgateError", "connect"]);
assert.equal(Sockgate.CloseCode.SESSION_ENDED, 4500);
assert.equal(Sockgate.connect().state, "closed");
