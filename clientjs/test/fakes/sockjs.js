/** A fake of sockjs-client. The test sends the frames of the gateway. */
export class FakeSockJS {
  sent = [];
  isClosed = false;
  transport = "";

  constructor(url) {
    this.url = url;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
  }

  // The gateway's side.

  accept(transport = "websocket") {
    this.transport = transport;
    this.onopen({});
  }

  deliver(frame) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  beat() {
    this.onheartbeat({});
  }

  end(code, reason = "") {
    this.onclose?.({ code, reason });
  }
}
