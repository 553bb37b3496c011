/** A network that can be pulled. */
export class FakeNetwork {
  #isOnline = true;

  isOnline = () => this.#isOnline;

  watch(watcher) {
    this.watcher = watcher;
  }

  goOffline() {
    this.#isOnline = false;
    this.watcher.offline();
  }

  goOnline() {
    this.#isOnline = true;
    this.watcher.online();
  }

  /** Lost without a word: only `isOnline` knows. */
  set silentlyOnline(isOnline) {
    this.#isOnline = isOnline;
  }
}
