import assert from "node:assert/strict";
import { test } from "node:test";

import {
  connectFrame, isPublication, messageOf, presenceFrame, publishFrame, readFrame, refreshFrame, subscribeFrame, unsubscribeFrame,
} from "../../src/wire/frames.js";
import { VECTORS } from "../vectors.js";

const defaults = { recover: {}, id: null };

for (const { text, class: name, fields } of VECTORS.client_frames.valid) {
  if (name !== "Connect" || fields.id !== null) continue;
  test(`the connect frame ${text} has the gateway's format`, () => {
    const written = JSON.parse(connectFrame(fields.token, fields.recover));
    assert.deepEqual({ ...defaults, ...written }, { type: "connect", ...fields });
  });
}

for (const { class: name, fields } of VECTORS.client_frames.valid) {
  if (name !== "Refresh" || fields.id !== null) continue;
  test(`the refresh frame with ${fields.token} has the gateway's format`, () => {
    assert.deepEqual(JSON.parse(refreshFrame(fields.token)), { type: "refresh", token: fields.token });
  });
}

const REQUESTS = {
  Subscribe: ({ channel, grant, recover }) => subscribeFrame(channel, grant, recover),
  Unsubscribe: ({ channel }) => unsubscribeFrame(channel),
  Presence: ({ channel }) => presenceFrame(channel),
  SetPresence: ({ channel, data }) => presenceFrame(channel, data),
  Publish: ({ channel, event, data }) => publishFrame(channel, event, data),
};

for (const { text, class: name, fields } of VECTORS.client_frames.valid) {
  if (!REQUESTS[name] || fields.id === null) continue;
  test(`the frame ${text} has the gateway's format`, () => {
    const written = JSON.parse(JSON.stringify({ ...REQUESTS[name](fields), id: fields.id }));
    assert.deepEqual(written, JSON.parse(text));
  });
}

test("undefined is published as null", () => {
  assert.equal(publishFrame("room:7", "client-typing", undefined).data, null);
});

for (const { text } of VECTORS.server_frames) {
  test(`the frame ${text} is parsed, and is not a publication`, () => {
    assert.deepEqual(readFrame(text), JSON.parse(text));
    assert.equal(isPublication(readFrame(text)), false);
  });
}

for (const { name, frame, channel, offset, message } of VECTORS.publications.valid) {
  test(`publication: ${name}`, () => {
    const publication = readFrame(frame);
    assert.equal(isPublication(publication), true);
    const { epoch } = publication;
    const expected = { ...message, channel, ...(offset ? { offset } : {}), ...(epoch ? { epoch } : {}) };
    assert.deepEqual(messageOf(publication), expected);
  });
}

for (const { payload, touch } of VECTORS.touches) {
  test(`the gateway reads ${payload} as a page does`, () => {
    const { event } = messageOf(readFrame(`{"channel":"orders","data":${payload}}`));
    assert.equal(event === "touch", touch !== null);
  });
}

test("a touch has what the gateway says of it", () => {
  const told = { audience: 12, touched: 5 };
  const frame = { channel: "orders", data: { event: "touch", data: { audience: 12 } }, ...told };
  assert.deepEqual(messageOf(frame), { event: "touch", data: { audience: 12 }, channel: "orders", ...told });
});

for (const text of ["", "null", "5", '"text"', "[]", '[{"channel":"a","data":1}]', "{", undefined]) {
  test(`not a frame: ${text}`, () => assert.equal(readFrame(text), null));
}
