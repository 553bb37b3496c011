import assert from "node:assert/strict";
import { test } from "node:test";

import { Office } from "../../src/shared/leader.js";
import { SharedSocket } from "../../src/shared/socket.js";
import { FakeClock } from "../fakes/clock.js";
import { FakeLocks, settle } from "../fakes/tabs.js";

/** A browser with one BroadcastChannel for all of its pages. */
class Browser {
  clock = new FakeClock();
  locks = new FakeLocks();
  channels = [];

  /** A page that has dialed. */
  page(locks = this.locks) {
    const { clock, channels } = this;
    class Channel {
      constructor() {
        channels.push(this);
      }
      postMessage(data) {
        for (const other of channels) {
          if (other !== this) Promise.resolve().then(() => other.onmessage({ data: structuredClone(data) }));
        }
      }
      close() {
        channels.splice(channels.indexOf(this), 1);
      }
    }
    const page = { BroadcastChannel: Channel, navigator: { locks }, addEventListener() {}, removeEventListener() {} };
    const opened = [];
    const makeHub = () => ({
      accept: (pipe) => ({
        receive: (message) => {
          opened.push([pipe.id, message.type]);
          pipe.post({ type: "opened" });
        },
      }),
      close: () => {},
    });
    const office = new Office({ page, clock, makeHub });
    const events = [];
    const socket = new SharedSocket({
      remember: () => {},
      nextDialer: () => (office.isBroken ? null : office),
      clock,
      locks: undefined,
      hello: { type: "open" },
    });
    for (const name of ["onopen", "onmessage", "onclose"]) {
      socket[name] = (event) => events.push([name, event.data ?? event.code]);
    }
    return { office, socket, events, opened };
  }
}

test("what is no message on the channel changes nothing", async () => {
  const browser = new Browser();
  const pages = [browser.page(), browser.page()];
  await settle();
  const stranger = new (class {
    onmessage() {}
  })();
  for (const data of [null, 7, "x", {}, { type: "down" }, { type: "up" }, { type: "down", to: 5 }, { type: "leader" }]) {
    for (const channel of browser.channels) channel.onmessage.call(stranger, { data });
  }
  for (const { events } of pages) assert.deepEqual(events[0], ["onopen", undefined]);
});

test("frames of a former leader are dropped", async () => {
  const browser = new Browser();
  const [leader, other] = [browser.page(), browser.page()];
  await settle();
  const [pipe] = leader.opened.find(([id]) => id.startsWith(other.office._id));
  const say = (from) =>
    browser.channels[1].onmessage({ data: { type: "down", from, to: [pipe], message: { type: "frame", text: from } } });
  say("a former leader");
  say(leader.office._id);
  assert.deepEqual(other.events, [["onopen", undefined], ["onmessage", leader.office._id]]);
});

test("a page that may not use locks does without a leader at once", async () => {
  const browser = new Browser();
  const page = browser.page({ request: () => Promise.reject(new Error("SecurityError")) });
  await settle();
  browser.clock.advance(0);
  assert.deepEqual(page.events, [["onclose", 2000]]);
  assert.equal(browser.channels.length, 0);
});
