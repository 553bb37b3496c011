/** Django's token endpoint, as an `Ask`: answers at once, or when the test says so. */
export class FakeEndpoint {
  asked = [];
  aborted = 0;
  answers = [];

  ask = (url, callback) => {
    this.asked.push(url);
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

  willRefuse(status) {
    this.answers.push([status, ""]);
  }
}
