/**
 * Where there is no SharedWorker, one tab leads: the hub runs in it, and the others reach it over a
 * BroadcastChannel. The next tab takes over when the leader is closed, crashes or freezes.
 */
import { LeaseElection, LockElection } from "./election.js";
import { Hub } from "./hub.js";

/**
 * @typedef {import("./socket.js").SharedSocket} SharedSocket
 * @typedef {import("./tab.js").Tab} Tab
 *
 * @typedef {Object} Environment
 * @property {any} page  a window
 * @property {import("../base/clock.js").Clock} clock
 * @property {function(): Hub} makeHub
 */

/** Messages of another version are not understood. */
const CHANNEL = "sockgate-1";
/** Tabs that miss the leader at the same moment do not all take over. */
const CHALLENGE_SPREAD_MS = 400;

export class Office {
  /** @param {Environment} environment */
  constructor(environment) {
    this._environment = environment;
    this.patienceMs = 2000;
    this.isBroken = false;
    this._id = randomId();
    this._leader = "";
    /** Sockets of this page, by the id of their pipe. @type {Map<string, SharedSocket>} */
    this._sockets = new Map();
    /** Tabs of the hub, by the id of their pipe. @type {Map<string, Tab>} */
    this._tabs = new Map();
    /** @type {Hub | null} */
    this._hub = null;
    /** @type {BroadcastChannel | null} */
    this._channel = null;
    this._lastPipe = 0;
    this._cancelChallenge = () => {};
    this._group = { post: (/** @type {string[]} */ ids, /** @type {any} */ message) => this._send(ids, message) };
    this._onPageHide = () => this._leave();
    this._election = this._makeElection();
  }

  /**
   * @param {SharedSocket} socket
   * @returns {import("./tab.js").Pipe}
   */
  dial(socket) {
    this._enter();
    const id = this._id + "-" + (this._lastPipe += 1);
    this._sockets.set(id, socket);
    return {
      post: (message) => this._post({ type: "up", to: this._leader, pipe: id, message }),
      close: () => void this._sockets.delete(id)
    };
  }

  /** The leader does not answer: take over, unless another tab does. */
  failed() {
    const leader = this._leader;
    this._cancelChallenge();
    this._cancelChallenge = this._environment.clock.after(Math.random() * CHALLENGE_SPREAD_MS, () => {
      if (this._leader === leader && !this._hub && this._channel) {
        this._election.challenge();
      }
    });
  }

  // The way in and out of the office.

  _enter() {
    if (this._channel) {
      return;
    }
    const { page } = this._environment;
    const channel = new page.BroadcastChannel(CHANNEL);
    this._channel = channel;
    channel.onmessage = (/** @type {any} */ { data }) => this._receive(data);
    channel.postMessage({ type: "who" });
    page.addEventListener("pagehide", this._onPageHide);
    this._election.run();
  }

  // Locks and channels would also keep the page out of the back/forward cache.
  _leave() {
    const { page } = this._environment;
    this._loseAll();
    page.removeEventListener("pagehide", this._onPageHide);
    this._cancelChallenge();
    this._election.withdraw();
    this._resign();
    if (this._channel) {
      this._channel.close();
      this._channel = null;
    }
  }

  _makeElection() {
    const { page, clock } = this._environment;
    const candidate = { won: () => this._lead(), deposed: () => this._step(), failed: () => this._break() };
    const { locks } = page.navigator;
    return locks
      ? new LockElection(locks, candidate)
      : new LeaseElection(page.localStorage, clock, this._id, candidate);
  }

  _lead() {
    this._hub = this._environment.makeHub();
    this._announce();
    this._follow(this._id);
  }

  // Another tab has taken over while this one did not answer.
  _step() {
    this._resign();
    this._election.run();
  }

  // Each page has a connection of its own then.
  _break() {
    const sockets = Array.from(this._sockets.values());
    this.isBroken = true;
    this._leave();
    sockets.forEach((socket) => socket.gone());
  }

  _loseAll() {
    Array.from(this._sockets.values()).forEach((socket) => socket.lost());
  }

  _resign() {
    const hub = this._hub;
    this._hub = null;
    this._tabs.clear();
    if (hub) {
      hub.close();
      this._broadcast({ type: "gone", id: this._id });
      this._follow("");
    }
  }

  // Messages.

  /** @param {any} message */
  _broadcast(message) {
    if (this._channel) {
      this._channel.postMessage(message);
    }
  }

  _announce() {
    this._broadcast({ type: "leader", id: this._id });
  }

  /** @param {any} message  to the hub */
  _post(message) {
    if (this._hub) {
      // As over the channel, nobody is called before the sender has returned.
      Promise.resolve().then(() => this._serve(message));
    } else {
      this._broadcast(message);
    }
  }

  /** @param {any} message  of another tab */
  _receive(message) {
    if (!message || typeof message !== "object") {
      return;
    }
    if (message.type === "up") {
      (!message.to || message.to === this._id) && this._serve(message);
    } else if (message.type === "down" && Array.isArray(message.to)) {
      this._deliverFrom(message);
    } else if (message.type === "who") {
      this._hub && this._announce();
    } else if (message.type === "leader" && message.id) {
      this._accept(message.id);
    } else if (message.type === "gone" && message.id === this._leader) {
      this._follow("");
      this._runWithoutLocks();
    }
  }

  // Two tabs may lead for a moment. Publications of both would arrive twice.
  /** @param {{from: string, to: string[], message: any}} message */
  _deliverFrom({ from, to, message }) {
    this._leader = this._leader || from;
    if (from === this._leader) {
      to.forEach((id) => this._deliver(id, message));
    }
  }

  // Without locks, two tabs may have won.
  /** @param {string} id  of another tab that leads */
  _compare(id) {
    if (id < this._id) {
      this._resign();
      this._follow(id);
    } else {
      this._announce();
    }
  }

  /** @param {string} id  of a tab that leads */
  _accept(id) {
    if (this._hub) {
      return this._isQueued() ? undefined : this._compare(id);
    }
    this._cancelChallenge();
    this._isQueued() || this._election.withdraw();
    this._follow(id);
  }

  // A request for a lock waits for its turn; a lease has no queue.
  _isQueued() {
    return this._election instanceof LockElection;
  }

  _runWithoutLocks() {
    this._isQueued() || this._election.run();
  }

  /** @param {string} leader  empty: there is none */
  _follow(leader) {
    if (leader === this._leader) {
      return;
    }
    this._leader = leader;
    Array.from(this._sockets.values()).forEach((socket) => {
      socket.lost();
      leader && socket.hello();
    });
  }

  // The hub's side.

  /** @param {any} message */
  _serve({ pipe, message }) {
    const hub = this._hub;
    if (!hub || !message) {
      return;
    }
    if (message.type === "open" && !this._tabs.has(pipe)) {
      this._tabs.set(pipe, hub.accept(this._pipeTo(pipe)));
    }
    const tab = this._tabs.get(pipe);
    if (tab) {
      tab.receive(message);
    } else if (message.type === "alive") {
      this._send([pipe], { type: "closed", code: 3000, reason: "going away" });
    }
  }

  /** @param {string} id */
  _pipeTo(id) {
    return {
      id,
      group: this._group,
      post: (/** @type {any} */ message) => this._send([id], message),
      close: () => void this._tabs.delete(id)
    };
  }

  /**
   * @param {string[]} ids
   * @param {any} message
   */
  _send(ids, message) {
    const others = ids.filter((id) => !this._sockets.has(id));
    if (others.length) {
      this._broadcast({ type: "down", from: this._id, to: others, message });
    }
    ids.filter((id) => this._sockets.has(id)).forEach((id) => {
      Promise.resolve().then(() => this._deliver(id, message));
    });
  }

  /**
   * @param {string} id
   * @param {any} message
   */
  _deliver(id, message) {
    const socket = this._sockets.get(id);
    if (socket && message) {
      socket.received(message);
    }
  }
}

function randomId() {
  return Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
}
