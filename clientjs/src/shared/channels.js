/** The channels of a shared connection: the union of what its tabs receive. */
import { SharedChannel, lowest } from "./channel.js";
import { earlyRequests, sendToAll } from "./tab.js";

/**
 * @typedef {import("./tab.js").Tab} Tab
 * @typedef {import("./channel.js").Answer} Answer
 * @typedef {import("./upstream.js").Upstream} Upstream
 */

const MAX_EARLY_REQUESTS = 50;
/** Of publications in all channels. */
const KEPT_CHARACTERS = 4 * 1024 * 1024;

export class Channels {
  /** @param {Upstream} upstream */
  constructor(upstream) {
    this._upstream = upstream;
    /** @type {Map<string, SharedChannel>} */
    this._channels = new Map();
  }

  /**
   * @param {string} name
   * @returns {SharedChannel | undefined}
   */
  of(name) {
    return this._channels.get(name);
  }

  /** Forget everything: the connection was refused before it began. */
  reset() {
    this._channels.clear();
  }

  /**
   * Record the channels of the gateway's welcome.
   *
   * @param {Object<string, any>} infos
   * @param {Object<string, import("../wire/frames.js").Recover>} asked
   */
  begin(infos, asked) {
    for (const name of Object.keys(infos)) {
      const channel = new SharedChannel(name, true);
      this._channels.set(name, channel);
      channel.start(infos[name], asked[name]);
    }
  }

  /** Subscribe right behind the `connect` frame, from the lowest position of the tabs that wait. */
  requestEarly() {
    const requests = earlyRequests(this._upstream.tabs);
    requests.forEach((frames, name) => {
      if (!this._channels.has(name) && this._channels.size < MAX_EARLY_REQUESTS) {
        const granted = frames.find(({ grant }) => grant) || frames[0];
        this._request(name, { ...granted, recover: lowest(frames.map(({ recover }) => recover)) }, null);
      }
    });
  }

  /**
   * @param {string} name
   * @param {any} frame
   * @param {Tab | null} tab
   * @returns {SharedChannel}
   */
  _request(name, frame, tab) {
    const channel = new SharedChannel(name, false);
    this._channels.set(name, channel);
    this._send(channel, frame, tab);
    return channel;
  }

  /**
   * @param {SharedChannel} channel
   * @param {any} frame
   * @param {Tab | null} tab
   */
  _send(channel, frame, tab) {
    this._upstream.request(frame, (answer) => this._settle(channel, frame, answer), tab);
  }

  // A refusal is the answer to one tab. The grant of another may be fresh.
  /**
   * @param {SharedChannel} channel
   * @param {any} frame
   * @param {any} answer
   */
  _settle(channel, frame, answer) {
    if (answer.type === "subscribed") {
      channel.start(answer, frame.recover);
      channel.waiting.splice(0).forEach(({ tab, frame }) => this._answer(tab, frame, channel));
      return this._dropUnused(channel);
    }
    const { id } = frame;
    const refused = channel.waiting.findIndex((one) => one.frame.id === id && one.frame.grant === frame.grant);
    const [first] = channel.waiting.splice(Math.max(0, refused), 1);
    if (first) {
      first.tab.sendFrame({ ...answer, reply_to: first.frame.id });
    }
    if (channel.waiting.length) {
      const { tab, frame: next } = channel.waiting[0];
      this._send(channel, { ...next, recover: lowest(channel.waiting.map((one) => one.frame.recover)) }, tab);
    } else {
      this._forget(channel);
    }
  }

  // Requests of tabs.

  /**
   * @param {Tab} tab
   * @param {any} frame
   */
  receive(tab, frame) {
    const channel = this._channels.get(frame.channel);
    if (frame.type === "subscribe") {
      this._subscribe(tab, frame, channel);
    } else if (frame.type === "unsubscribe") {
      this._unsubscribe(tab, channel);
      tab.sendFrame({ type: "unsubscribed", channel: frame.channel, reply_to: frame.id });
    } else if (channel && channel.members.has(tab)) {
      const { type, data } = frame;
      if (type === "set_presence") {
        frame.data = channel.show(tab, data);
      }
      this._upstream.request(
        frame,
        (answer) => {
          if (type === "set_presence") {
            channel.settle(tab, data, answer.type !== "error");
          }
          tab.sendFrame(answer);
        },
        tab
      );
    } else {
      const more = { message: "this page is not subscribed to the channel", reply_to: frame.id };
      tab.sendFrame({ type: "error", code: "not_allowed", channel: frame.channel, ...more });
    }
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   * @param {SharedChannel | undefined} channel
   */
  _subscribe(tab, frame, channel) {
    if (channel && channel.isLive) {
      this._answer(tab, frame, channel);
    } else {
      (channel || this._request(frame.channel, frame, tab)).waiting.push({ tab, frame });
    }
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   * @param {SharedChannel} channel
   */
  _answer(tab, frame, channel) {
    const answer = channel.answer(frame.recover);
    if (answer) {
      return this._join(tab, frame, channel, answer);
    }
    // The tab waits like one whose channel is not confirmed yet.
    const waits = { tab, frame };
    channel.waiting.push(waits);
    this._upstream.replays.add(tab, { connect: {}, subscribe: frame }, (error, replay) => {
      if (!channel.waiting.includes(waits) || this._channels.get(channel.name) !== channel) {
        return;
      }
      channel.waiting = channel.waiting.filter((one) => one !== waits);
      if (error) {
        tab.sendFrame({ ...error, channel: channel.name, reply_to: frame.id });
      } else {
        this._join(tab, frame, channel, /** @type {Answer} */ (replay.answer(channel, frame.recover)));
      }
      this._dropUnused(channel);
    });
  }

  /**
   * @param {Tab} tab
   * @param {any} frame
   * @param {SharedChannel} channel
   * @param {Answer} answer
   */
  _join(tab, frame, channel, answer) {
    if (tab.isOver) {
      return;
    }
    channel.members.add(tab);
    tab.sendFrame({ type: "subscribed", channel: channel.name, ...channel.told(answer.info), reply_to: frame.id });
    answer.texts.forEach((text) => tab.send(text));
  }

  /**
   * @param {Tab} tab
   * @param {SharedChannel | undefined} channel
   */
  _unsubscribe(tab, channel) {
    if (channel) {
      const data = channel.leave(tab);
      if (data !== undefined) {
        this._upstream.request({ type: "set_presence", channel: channel.name, data }, () => {}, null);
      }
      channel.waiting = channel.waiting.filter((one) => one.tab !== tab);
      this._dropUnused(channel);
    }
  }

  /**
   * Remove a tab from every channel.
   *
   * @param {Tab} tab
   */
  leave(tab) {
    for (const channel of Array.from(this._channels.values())) {
      this._unsubscribe(tab, channel);
    }
  }

  /** @param {SharedChannel} channel */
  _dropUnused(channel) {
    const isWanted = channel.waiting.length || earlyRequests(this._upstream.tabs).has(channel.name);
    const isUsed = channel.isAutomatic || channel.members.size || isWanted;
    if (channel.isLive && !isUsed && this._forget(channel)) {
      this._upstream.request({ type: "unsubscribe", channel: channel.name }, () => {}, null);
    }
  }

  /** @param {SharedChannel} channel */
  _forget(channel) {
    return this._channels.get(channel.name) === channel && this._channels.delete(channel.name);
  }

  /**
   * Answer the `connect` frame of a tab: it becomes a member of all channels that the gateway subscribes.
   *
   * @param {Tab} tab
   * @param {function({infos: Object<string, any>, texts: string[]}): void} callback
   * @param {import("./replay.js").Replay} [replay]  what was not kept here
   */
  answerAll(tab, callback, replay) {
    const channels = Array.from(this._channels.values()).filter((one) => one.isAutomatic);
    /** @type {Object<string, any>} */
    const connect = {};
    /** @type {Object<string, any>} */
    const infos = {};
    /** @type {string[]} */
    const texts = [];
    const isKnown = channels.map((channel) => {
      const from = (connect[channel.name] = tab.recover[channel.name]);
      const answer = replay ? replay.answer(channel, from) : channel.answer(from);
      infos[channel.name] = answer && channel.told(answer.info);
      texts.push(...(answer ? answer.texts : []));
      return !!answer;
    });
    if (isKnown.includes(false)) {
      // All of them: what is kept now may be too little when the replay is complete.
      return this._upstream.replays.add(tab, { connect, subscribe: null }, (_, next) => {
        this.answerAll(tab, callback, next);
      });
    }
    channels.forEach((channel) => channel.members.add(tab));
    callback({ infos, texts });
  }

  // Frames of the gateway.

  /**
   * @param {any} frame
   * @param {string} text
   */
  notice(frame, text) {
    if (frame.type === "subscribed") {
      return this._assign(frame, text);
    }
    const channel = this._channels.get(frame.channel);
    // What arrives before the confirmation belongs to a former subscription.
    if (!channel || !channel.isLive) {
      return;
    }
    if (frame.audience !== undefined && frame.type !== "unsubscribed") {
      channel.touched = frame.touched;
    }
    if (frame.type === undefined || frame.type === "skipped") {
      channel.take(frame, text, KEPT_CHARACTERS / this._channels.size);
    } else if (frame.type === "gap" && typeof frame.epoch === "string") {
      channel.skipTo([frame.epoch, frame.offset || 0]);
    } else if (frame.type === "unsubscribed") {
      this._forget(channel);
    }
    sendToAll(channel.members, text);
    if (frame.type === "unsubscribed") {
      // Tabs whose replay is under way ask the gateway again.
      channel.waiting.splice(0).forEach((one) => this.receive(one.tab, one.frame));
    }
  }

  /**
   * Record that the gateway has subscribed the connection without a request.
   *
   * @param {any} frame
   * @param {string} text
   */
  _assign(frame, text) {
    const channel = new SharedChannel(frame.channel, true);
    this._channels.set(frame.channel, channel);
    channel.start(frame, undefined);
    channel.members = new Set(this._upstream.welcomed());
    sendToAll(channel.members, text);
  }
}
