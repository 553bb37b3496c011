/**
 * The part of Internet Explorer 8's document that sockjs-client and the client use. It has nothing
 * newer: no addEventListener, no textContent, no `async` on scripts.
 */

/** Like an array, but only with length and indices. */
const asCollection = (elements) => ({ length: elements.length, ...elements });

export class FakeElement {
  style = {};
  childNodes = [];
  parentNode = null;

  constructor(tagName, document) {
    this.tagName = tagName;
    this.ownerDocument = document;
  }

  get firstChild() {
    return this.childNodes[0] ?? null;
  }

  appendChild(child) {
    return this.insertBefore(child, null);
  }

  insertBefore(child, before) {
    const place = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(place, 0, child);
    child.parentNode = this;
    if (child.tagName === "script") this.ownerDocument.loadScript(child);
    return child;
  }

  removeChild(child) {
    this.childNodes = this.childNodes.filter((other) => other !== child);
    child.parentNode = null;
    return child;
  }

  getAttribute(name) {
    return this[name] ?? null;
  }

  attachEvent() {}

  /** POST the fields of a form, and show the response in its target frame. */
  submit() {
    this.ownerDocument.submitForm(this);
  }
}

export class FakeDocument {
  readyState = "complete";
  cookie = "csrftoken=of-the-cookie";
  #blocks = [];

  /**
   * @param {{get: Function, post: Function, evaluate: Function}} browser  sends requests
   */
  constructor(browser, location) {
    this.browser = browser;
    this.location = location;
    this.domain = location.hostname;
    this.head = new FakeElement("head", this);
    this.body = new FakeElement("body", this);
  }

  createElement(text) {
    const tagName = /^<?(\w+)/.exec(text)[1];
    return new FakeElement(tagName, this);
  }

  getElementById() {
    return null;
  }

  /** IE8 knows selectors of attributes. */
  querySelectorAll(selector) {
    return asCollection(selector.includes('[data-sockgate="client"]') ? this.#blocks : []);
  }

  getElementsByTagName(tagName) {
    return asCollection(tagName === "head" ? [this.head] : []);
  }

  attachEvent() {}
  detachEvent() {}

  /** Write the configuration into the page, like Django's tag. */
  configure(config) {
    const script = new FakeElement("json", this);
    script.text = JSON.stringify(config);
    this.#blocks = [script];
  }

  /** In IE, the code of a script with `htmlFor` and `event` becomes a handler and does not run at once. */
  loadScript(script) {
    this.browser.get(script.src, (status, text) => {
      if (!script.parentNode) return;
      if (status === 200 && script.htmlFor) script.onclick = () => this.browser.evaluate(text);
      else if (status === 200) this.browser.evaluate(text, script.src);
      script.readyState = "loaded";
      script.onreadystatechange?.();
    });
  }

  submitForm(form) {
    const area = form.childNodes.find(({ tagName }) => tagName === "textarea");
    const frame = form.childNodes.find(({ id }) => id === form.target);
    const body = `${area.name}=${encodeURIComponent(area.value)}`;
    this.browser.post(form.action, body, () => {
      frame.readyState = "complete";
      frame.onreadystatechange?.({});
    });
  }
}
