/** The state of a channel: loaded, kept up to date, loaded again after a gap. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { loadState } from "../../src/state/index.js";
import { AsyncRoom } from "../fakes/asyncroom.js";

/** As the page sees it: states, publications, errors; and what `load` was called with. */
class View {
  shown = [];
  requests = [];
  answers = [];
  made = AsyncRoom.connected();
  room = this.made.room;

  constructor(options) {
    this.room.on("news", (data) => this.shown.push(data));
    this.stop = this.room.loadState(
      (request) => {
        this.requests.push(request);
        return new Promise((resolve, reject) => this.answers.push({ resolve, reject }));
      },
      (state) => this.shown.push(["state", state]),
      options,
    );
  }

  subscribed(info = { epoch: "k3", offset: 10 }) {
    this.made.answer({ type: "subscribed", channel: "room:7", ...info });
    return this;
  }

  publish(offset, more = {}) {
    const data = { event: "news", data: offset };
    this.made.page.socket.deliver({ channel: "room:7", data, offset, ...more });
  }

  gap(more = {}) {
    this.made.page.socket.deliver({ type: "gap", channel: "room:7", ...more });
  }

  reconnect(info) {
    this.lose();
    this.come(info);
  }

  lose() {
    this.made.page.socket.end(1006);
  }

  come(info) {
    const { page } = this.made;
    page.clock.advance(1000);
    page.welcome();
    page.clock.advance(0);
    this.subscribed(info);
  }

  async finish(state, index = this.answers.length - 1) {
    this.answers[index].resolve(state);
    await settled();
  }

  async fail(error = new Error("HTTP 500")) {
    this.answers.at(-1).reject(error);
    await settled();
  }

  take() {
    return this.shown.splice(0);
  }
}

const settled = async () => {
  for (let turn = 0; turn < 10; turn++) await null;
};
const wait = (ms) => mock.timers.tick(ms);

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 0.5);
});

afterEach(() => mock.reset());

test("the state is loaded once the channel is subscribed, and what came meanwhile follows it", async () => {
  const view = new View();
  assert.equal(view.requests.length, 0);
  view.subscribed();
  assert.equal(view.requests.length, 1);
  view.publish(11);
  view.publish(12);
  assert.deepEqual(view.take(), []);
  await view.finish("s");
  assert.deepEqual(view.take(), [["state", "s"], 11, 12]);
  view.publish(13);
  assert.deepEqual(view.take(), [13]);
});

test("load may return the state itself, and a subscribed channel is loaded at once", async () => {
  const { room } = AsyncRoom.subscribed();
  const shown = [];
  loadState(room, () => 7, (state) => shown.push(state));
  await settled();
  assert.deepEqual(shown, [7]);
});

test("handlers of every event follow the state in order", async () => {
  const view = new View();
  const all = [];
  view.room.on("*", (data) => all.push(data));
  view.subscribed();
  view.publish(11);
  assert.deepEqual(all, []);
  await view.finish("s");
  view.publish(12);
  assert.deepEqual(all, [11, 12]);
});

test("after a gap the state is loaded again, at a random moment", async () => {
  const view = new View().subscribed();
  await view.finish("old");
  view.gap();
  view.publish(15);
  assert.deepEqual(view.take(), [["state", "old"], 15]);
  wait(1499);
  assert.equal(view.requests.length, 1);
  wait(1);
  assert.equal(view.requests.length, 2);
  view.publish(16);
  await view.finish("new");
  assert.deepEqual(view.take(), [["state", "new"], 16]);
});

test("the moment is within jitterMs, and gaps do not put it off", async () => {
  const view = new View({ jitterMs: 100 }).subscribed();
  await view.finish("old");
  view.gap();
  wait(30);
  view.gap();
  wait(20);
  assert.equal(view.requests.length, 2);
});

test("the moment is within the time that the gap leaves for many", async () => {
  const view = new View().subscribed();
  await view.finish("old");
  view.gap({ audience: 12000, within: 120 });
  wait(59_999);
  assert.equal(view.requests.length, 1);
  wait(1);
  assert.equal(view.requests.length, 2);
});

test("a reconnect that recovered nothing leaves as much time", async () => {
  const view = new View().subscribed();
  await view.finish("old");
  view.reconnect({ epoch: "k4", offset: 1, recovered: false, within: 20 });
  wait(9_999);
  assert.equal(view.requests.length, 1);
  wait(1);
  assert.equal(view.requests.length, 2);
});

test("a gap while a state is loaded makes that state worthless", async () => {
  const view = new View().subscribed();
  view.publish(11);
  view.gap();
  assert.equal(view.requests[0].signal.aborted, true);
  await view.finish("too old", 0);
  assert.deepEqual(view.take(), []);
  wait(1500);
  await view.finish("new");
  assert.deepEqual(view.take(), [["state", "new"]]);
});

test("a reconnect that recovers needs no load", async () => {
  const view = new View().subscribed();
  await view.finish("s");
  view.reconnect({ epoch: "k3", offset: 10, recovered: true });
  wait(60000);
  assert.equal(view.requests.length, 1);
});

test("a reconnect during a load goes on with it", async () => {
  const view = new View().subscribed();
  view.publish(11);
  view.reconnect({ epoch: "k3", offset: 11, recovered: true });
  view.publish(12);
  await view.finish("s");
  assert.deepEqual(view.take(), [["state", "s"], 11, 12]);
});

for (const info of [{ epoch: "k4", offset: 3, recovered: false }, {}]) {
  test(`a reconnect that may have lost something loads again: ${JSON.stringify(info)}`, async () => {
    const view = new View().subscribed(info.epoch ? undefined : {});
    await view.finish("s");
    view.reconnect(info);
    assert.equal(view.requests.length, 1);
    wait(1500);
    assert.equal(view.requests.length, 2);
    wait(60000);
    assert.equal(view.requests.length, 2);
  });
}

test("a load that is due without a connection follows the next one", async () => {
  const view = new View().subscribed();
  await view.finish("s");
  view.gap();
  view.lose();
  wait(1500);
  assert.equal(view.requests.length, 1);
  view.come({ epoch: "k3", offset: 10, recovered: true });
  assert.equal(view.requests.length, 1);
  wait(1500);
  assert.equal(view.requests.length, 2);
});

test("a load that fails is an error of the channel, and is tried again with growing delays", async () => {
  const view = new View();
  const errors = [];
  view.room.on("error", (code, frame) => errors.push([code, frame.channel, frame.message, frame.cause.message]));
  view.subscribed();
  for (const ms of [750, 1500, 3000, 6000, 12000, 22500, 22500]) {
    await view.fail();
    wait(ms - 1);
    const { length } = view.requests;
    wait(1);
    assert.equal(view.requests.length, length + 1, ms);
  }
  assert.equal(errors.length, 7);
  const message = "the state of room:7 could not be loaded: HTTP 500";
  assert.deepEqual(errors[0], ["load_failed", "room:7", message, "HTTP 500"]);
  await view.finish("s");
  assert.deepEqual(view.take(), [["state", "s"]]);
});

test("a load that throws fails, and without a handler there is a warning", async () => {
  const { room } = AsyncRoom.subscribed();
  const warn = mock.method(console, "warn", () => {});
  room.loadState(
    () => {
      throw new Error("no fetch");
    },
    () => assert.fail(),
  );
  await settled();
  assert.deepEqual(warn.mock.calls[0].arguments, ["sockgate: the state of room:7 could not be loaded: no fetch"]);
});

test("publications before the first state are in it, those on an old state are delivered", async () => {
  const view = new View().subscribed();
  mock.method(console, "warn", () => {});
  view.publish(11);
  await view.fail();
  view.publish(12);
  assert.deepEqual(view.take(), []);
  wait(750);
  view.publish(13);
  await view.finish("s");
  assert.deepEqual(view.take(), [["state", "s"], 13]);
  view.gap();
  wait(1500);
  view.publish(14);
  await view.fail();
  view.publish(15);
  assert.deepEqual(view.take(), [14, 15]);
});

test("more than a thousand publications during a load are not held", async () => {
  const view = new View().subscribed();
  for (let offset = 11; offset < 1012; offset++) view.publish(offset);
  await view.finish("too old", 0);
  assert.deepEqual(view.take(), []);
  wait(1500);
  await view.finish("s");
  assert.deepEqual(view.take(), [["state", "s"]]);
});

test("a page that has the state loads only after a gap", async () => {
  const view = new View({ loaded: true }).subscribed({ epoch: "k3", offset: 10, recovered: true });
  view.publish(11);
  assert.deepEqual([view.requests.length, view.take()], [0, [11]]);
  view.gap();
  wait(1500);
  assert.equal(view.requests.length, 1);
});

test("the page ends it, and what is held is delivered", async () => {
  const view = new View().subscribed();
  await view.finish("s");
  view.gap();
  wait(1500);
  view.publish(11);
  view.stop();
  assert.equal(view.requests[1].signal.aborted, true);
  await view.finish("too late");
  view.publish(12);
  view.gap();
  wait(60000);
  assert.deepEqual([view.requests.length, view.take()], [2, [["state", "s"], 11, 12]]);
});

test("unsubscribe ends it, also from a handler, and nothing more is delivered", async () => {
  const view = new View().subscribed();
  view.room.on("news", () => view.room.unsubscribe());
  view.publish(11);
  view.publish(12);
  await view.finish("s");
  wait(60000);
  assert.deepEqual([view.requests.length, view.take()], [1, [["state", "s"], 11]]);
  assert.equal(view.room.state, "unsubscribed");
});

test("a channel that is taken away is loaded anew when it comes back", async () => {
  const view = new View().subscribed();
  await view.finish("s");
  view.gap();
  view.made.page.socket.deliver({ type: "unsubscribed", channel: "room:7" });
  wait(60000);
  assert.equal(view.requests.length, 1);
  view.made.page.socket.deliver({ type: "subscribed", channel: "room:7", epoch: "k3", offset: 20 });
  assert.equal(view.requests.length, 2);
});

test("an error of apply is the page's, and publications follow", async () => {
  const { room, publish } = AsyncRoom.subscribed();
  const shown = [];
  room.on("news", (data) => shown.push(data));
  room.loadState(
    () => 1,
    () => {
      throw new Error("no element");
    },
  );
  publish(2);
  await settled();
  assert.deepEqual(shown, [2]);
  assert.throws(() => wait(0), /no element/);
});

test("two states of one channel are independent", async () => {
  const view = new View().subscribed();
  const others = [];
  const stop = view.room.loadState(() => "other", (state) => others.push(state));
  view.publish(11);
  await view.finish("s");
  view.stop();
  view.publish(12);
  stop();
  view.publish(13);
  assert.deepEqual(others, ["other"]);
  assert.deepEqual(view.take(), [["state", "s"], 11, 12, 13]);
});

for (const order of ["first to last", "last to first"]) {
  test(`two states end in the order ${order}, and unsubscribe ends the channel`, async () => {
    const { room, made } = new View().subscribed();
    const [emit, unsubscribe] = [Object.getPrototypeOf(room).emit, Object.getPrototypeOf(room).unsubscribe];
    const stops = [1, 2].map(() => room.loadState(() => 1, () => {}));
    (order === "first to last" ? stops : stops.reverse()).forEach((stop) => stop());
    room.unsubscribe();
    assert.equal(room.state, "unsubscribed");
    assert.equal(made.page.socket.sent.at(-1).type, "unsubscribe");
    assert.deepEqual([room.emit, room.unsubscribe], [emit, unsubscribe]);
  });
}

test("states that begin before others end leave nothing behind", async () => {
  const { room, publish } = AsyncRoom.subscribed();
  const plain = room.emit;
  let stop = room.loadState(() => 1, () => {});
  for (let i = 0; i < 20_000; i++) {
    const next = room.loadState(() => 1, () => {});
    stop();
    stop = next;
  }
  await settled();
  const shown = [];
  room.on("news", (data) => shown.push(data));
  publish(2);
  stop();
  assert.deepEqual([shown, room.emit], [[2], plain]);
});

test("misuse raises", () => {
  const { room } = AsyncRoom.connected();
  assert.throws(() => room.loadState("/orders/", () => {}), /a function that loads/);
  assert.throws(() => room.loadState(() => {}), TypeError);
});
