/** Django's token and grant endpoints, as a `Post`. Responds at once, or when the test calls `answer`. */
export class FakeEndpoint {
  urls = [];
  bodies = [];
  aborted = 0;
  answers = [];

  post = (url, body, callback) => {
    this.urls.push(url);
    this.bodies.push(body);
    this.pending = callback;
    const answer = this.answers.shift();
    if (answer) this.answer(...answer);
    return () => {
      this.aborted += 1;
    };
  };

  answer(status, body) {
    this.pending(status, typeof body === "string" ? body : JSON.stringify(body));
  }

  /** Issue a token next time. */
  willIssue(token, more = {}) {
    this.answers.push([200, { token, expires_in: 3600, ...more }]);
  }

  /** Grant a channel next time. */
  willGrant(grant, more = {}) {
    this.answers.push([200, { grant, expires_in: 3600, ...more }]);
  }

  willRefuse(status) {
    this.answers.push([status, ""]);
  }
}
