const assert = require("node:assert/strict");

const { CloseCode, connect } = require("sockgate");

assert.equal(typeof connect, "function");
assert.equal(CloseCode.SESSION_ENDED, 4500);
