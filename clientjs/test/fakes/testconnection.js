import { Connection } from "../../src/core/connection.js";
import { FakePage } from "./page.js";

/** A connection on a fake page, and everything that its listener has received. */
export class TestConnection {
  received = { states: [], publications: [], frames: [], refreshed: [], measured: [] };

  constructor(settings) {
    this.page = new FakePage(settings);
    const keep = (kind) => (...args) =>
      this.received[kind].push(kind === "states" ? args : args[0]);
    this.connection = new Connection(this.page.parts, {
      _enter: keep("states"),
      _receive: keep("publications"),
      _handle: keep("frames"),
      _refreshed: keep("refreshed"),
      _measured: keep("measured"),
    });
    this.page.network.watch((event) => this.connection.dispatch(event));
    this.connection.dispatch("connect");
  }
}
