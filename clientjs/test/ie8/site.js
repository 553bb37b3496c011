/**
 * A fake of a Django site and its gateway: the token endpoint, and the SockJS
 * protocol (0.3.3) over xhr, xhr_streaming and jsonp.
 */

const PRELUDE = `${"h".repeat(2048)}\n`;

export class FakeSite {
  tokensIssued = 0;
  requests = [];
  connections = [];
  refused = new Set();
  /** Files, by path. */
  scripts = {};

  handle(request, answer, stream) {
    this.requests.push(request);
    const { pathname } = request.url;
    if (pathname === "/realtime/token/") return this.#issueToken(request, answer);
    if (pathname in this.scripts) return answer(200, this.scripts[pathname]);
    if (pathname === "/realtime/info") return answer(200, JSON.stringify(this.#info()));
    const [, server, id, transport] = /^\/realtime\/(\d+)\/(\w+)\/(\w+)$/.exec(pathname);
    const connection = this.#connection(id, server);
    connection[transport](request, answer, stream);
  }

  /** The connection in use. */
  get connection() {
    return this.connections.at(-1);
  }

  #info() {
    return { websocket: true, cookie_needed: false, origins: ["*:*"], entropy: 1 };
  }

  #issueToken(request, answer) {
    if (request.headers["X-CSRFToken"] !== "of-the-cookie") return answer(403, "CSRF");
    this.tokensIssued += 1;
    const token = `T${this.tokensIssued}`;
    answer(200, JSON.stringify({ token, url: this.url, expires_in: 3600 }));
  }

  #connection(id, server) {
    const found = this.connections.find((connection) => connection.id === id);
    if (found) return found;
    this.connections.push(new FakeConnection(this, id, server));
    return this.connection;
  }
}

class FakeConnection {
  received = [];
  #site;
  #frames = ["o"];
  #waiting = null;

  constructor(site, id) {
    this.#site = site;
    this.id = id;
  }

  send(frame) {
    this.#push(`a${JSON.stringify([JSON.stringify(frame)])}`);
  }

  close(code, reason) {
    this.#push(`c${JSON.stringify([code, reason])}`);
  }

  #push(frame) {
    this.#frames.push(frame);
    this.#flush();
  }

  #flush() {
    if (this.#waiting && this.#frames.length) this.#waiting(this.#frames);
  }

  #receive(texts) {
    for (const text of JSON.parse(texts)) {
      const frame = JSON.parse(text);
      this.received.push(frame);
      if (frame.type === "connect") this.#welcome(frame.token);
    }
  }

  #welcome(token) {
    if (this.#site.refused.has(token)) return this.close(4400, "token refused");
    const channels = { "user:7": {}, broadcast: {} };
    this.send({ type: "connected", connection: this.id, user: "7", channels, expires: null });
  }

  // Transports. A poll delivers one frame, a stream many.

  xhr(request, answer) {
    this.#poll((frame) => answer(200, `${frame}\n`));
  }

  jsonp(request, answer) {
    const callback = request.url.searchParams.get("c");
    this.#poll((frame) => answer(200, `/**/${callback}(${JSON.stringify(frame)});\r\n`));
  }

  #poll(reply) {
    this.#waiting = (frames) => {
      this.#waiting = null;
      reply(frames.shift());
    };
    this.#flush();
  }

  xhr_streaming(request, answer, stream) {
    let sent = PRELUDE;
    stream(sent);
    this.#waiting = (frames) => {
      sent += frames.splice(0).map((frame) => `${frame}\n`).join("");
      stream(sent);
    };
    this.#flush();
  }

  xhr_send(request, answer) {
    this.#receive(request.body);
    answer(204, "");
  }

  jsonp_send(request, answer) {
    this.#receive(new URLSearchParams(request.body).get("d"));
    answer(200, "ok");
  }
}
