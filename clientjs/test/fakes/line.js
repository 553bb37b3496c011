import { Connection } from "../../src/connection.js";
import { FakePage } from "./page.js";

/** A connection on a faked page, and all that it has told. */
export class Line {
  heard = { states: [], publications: [], frames: [], refreshed: [] };

  constructor(settings) {
    this.page = new FakePage(settings);
    const keep = (kind) => (...given) =>
      this.heard[kind].push(kind === "states" ? given : given[0]);
    this.connection = new Connection(this.page.parts, {
      state: keep("states"),
      publication: keep("publications"),
      frame: keep("frames"),
      refreshed: keep("refreshed"),
    });
    this.page.network.watch({
      offline: () => this.connection.happen("offline"),
      online: () => this.connection.happen("online"),
    });
    this.connection.happen("connect");
  }
}
