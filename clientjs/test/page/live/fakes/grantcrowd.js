/** Many clients of the product, each subscribed to a room with a grant, on the clock of a crowd: a gateway that refuses, and a Django that counts. */
import { Client } from "../../../../src/core/client.js";
import { FakePage } from "../../../fakes/page.js";
import { FakeSockJS } from "../../../fakes/sockjs.js";

/** The gateway's end of one connection. */
class Link extends FakeSockJS {
  constructor(visitor) {
    super("");
    this.visitor = visitor;
  }

  send(text) {
    const frame = JSON.parse(text);
    const { crowd } = this.visitor;
    if (frame.type === "subscribe") {
      const isGood = frame.grant === crowd.grant;
      const crowded = crowd.level.arrival(crowd.visitors.length);
      this.deliver(isGood ? { type: "subscribed", channel: "room:7", reply_to: frame.id } : { type: "error", code: "not_allowed", revoked: true, reply_to: frame.id, ...crowded });
    } else if (frame.type === "ping") {
      this.deliver({ type: "pong" });
    }
  }
}

class Visitor {
  constructor(crowd) {
    this.crowd = crowd;
    const { clock } = crowd;
    this.page = new FakePage({ expiresIn: 36000 }, undefined, { now: () => clock.now, after: (ms, callback) => cancelOf(clock, clock.set(callback, Math.ceil(ms))) });
    Object.assign(this.page.parts, { random: crowd.random });
    this.page.parts.opener.open = () => (this.link = new Link(this));
    this.page.grants._post = (url, body, answered) => crowd.ask(answered);
    this.rt = new Client(this.page.parts);
    this.room = this.rt.subscribe("room:7");
    this.page.grants.keep("room:7", { grant: crowd.grant, expires_in: crowd.lifetime });
  }

  /** The gateway accepts the connection. */
  welcome() {
    this.link.accept();
    const channels = { broadcast: this.crowd.level.arrival() };
    this.link.deliver({ type: "connected", connection: "c1", user: "7", channels, rights: this.crowd.rights });
  }
}

const cancelOf = (clock, id) => () => clock.clear(id);

export class GrantCrowd {
  visitors = [];
  grant = "old";
  rights = "r1";
  status = 200;

  /** @param {import("./crowd.js").Crowd} crowd  an empty one, with the clock, the level and the count */
  constructor(crowd, count, lifetimeS) {
    this.crowd = crowd;
    this.lifetime = lifetimeS;
    this.clock = crowd.clock;
    this.level = crowd.level;
    this.random = crowd.random;
    this.visitors = Array.from({ length: count }, () => new Visitor(this));
  }

  /** All connect, over so many seconds. */
  async connect(seconds) {
    await this.crowd.pass(0.001);
    this.visitors.forEach((visitor, index) => this.clock.set(() => visitor.welcome(), Math.round((index / this.visitors.length) * seconds * 1000)));
    await this.crowd.pass(seconds + 1);
  }

  /** The gateway is killed, and all come back over so many seconds. */
  async comeBack(seconds) {
    this.visitors.forEach(({ link, page }) => {
      page.parts.backoff.next = () => 0;
      link.end(1006);
    });
    await this.connect(seconds);
  }

  /** A POST to the grant endpoint. */
  ask(answered) {
    const second = Math.floor(this.clock.now / 1000);
    this.crowd.seconds[second] = (this.crowd.seconds[second] ?? 0) + 1;
    const timer = this.clock.set(() => answered(this.status, JSON.stringify({ grant: this.grant, expires_in: 36000 })), 30);
    return cancelOf(this.clock, timer);
  }

  /** How many are subscribed. */
  get subscribed() {
    return this.visitors.filter(({ room }) => room.state === "subscribed").length;
  }
}
