/** A connected page that subscribes to room:7, with promises and loops. */
import { AsyncClient } from "../../src/async/client.js";
import { AsyncSubscription } from "../../src/async/subscription.js";
import { FakePage } from "./page.js";

export class AsyncRoom {
  page = new FakePage({}, { Subscription: AsyncSubscription });
  rt = new AsyncClient(this.page.parts);
  room = this.rt.subscribe("room:7", { grant: "G" });

  static connected() {
    const made = new AsyncRoom();
    made.run();
    made.page.welcome();
    return made;
  }

  static subscribed() {
    const made = AsyncRoom.connected();
    made.answer({ type: "subscribed", channel: "room:7" });
    return made;
  }

  run = () => this.page.clock.advance(0);

  answer = (frame) =>
    this.page.socket.deliver({ ...frame, reply_to: this.page.socket.sent.at(-1).id });

  refuse = (code) => this.answer({ type: "error", code, message: "no" });

  publish = (data, channel = "room:7") =>
    this.page.socket.deliver({ channel, data: { event: "news", data } });
}

/** All events of the event loop's queue of promises have happened. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
