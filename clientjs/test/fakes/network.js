/** A network that the test switches on and off. */
export class FakeNetwork {
  #isOnline = true;

  isOnline = () => this.#isOnline;

  watchers = new Set();

  watch(watcher) {
    this.watcher = watcher;
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  goOffline() {
    this.#isOnline = false;
    this.watcher("offline");
  }

  goOnline() {
    this.#isOnline = true;
    this.watcher("online");
  }

  /** Change `isOnline` without an event. */
  set silentlyOnline(isOnline) {
    this.#isOnline = isOnline;
  }
}
