/**
 * What the hooks of all frameworks have in common: following a state, a channel and its presence.
 *
 * Each function starts to follow, calls back on each change, and returns a function that stops.
 */

/**
 * @typedef {import("../sockgate.js").Client<any>} Client
 * @typedef {import("../sockgate.js").Subscription<any>} Subscription
 * @typedef {import("../sockgate.js").SubscribeOptions} SubscribeOptions
 * @typedef {import("../sockgate.js").Unsubscribed} Unsubscribed
 * @typedef {Object<string, (function(any, any): void) | undefined>} Handlers
 *
 * @typedef {Object} ChannelState
 * @property {Subscription | null} room  null: not mounted
 * @property {Subscription["state"]} state
 * @property {Unsubscribed | null} why  the channel is not subscribed
 *
 * @typedef {import("./hooks.js").Presence} Presence
 */

/** @type {ChannelState} */
export const NO_CHANNEL = { room: null, state: "unsubscribed", why: null };

/** Where a `gap` does not say within which time to act. */
const GAP_WITHIN_S = 1;

/** Events of a subscription that are not messages. */
const CHANNEL_EVENTS = ["gap", "subscribed", "unsubscribed", "presence", "presence_changed", "join", "leave"];

/**
 * Follow the state and the user of a client.
 *
 * @param {Client} client
 * @param {function(): void} onChange
 * @returns {function(): void}
 */
export function followClient(client, onChange) {
  return together([client.listen("state", onChange), client.listen("user", onChange)]);
}

/**
 * Subscribe to a channel.
 *
 * @param {Client} client
 * @param {string} channel
 * @param {SubscribeOptions | undefined} options
 * @param {function(): Handlers} handlers  returns those of now
 * @param {function(ChannelState): void} onChange
 * @returns {function(): void}
 */
export function followChannel(client, channel, options, handlers, onChange) {
  const room = client.subscribe(channel, options);
  /** @param {Unsubscribed | null} why */
  const note = (why) => onChange({ room, state: room.state, why });
  // A refusal without a handler is a warning, so there is none unless the page has one.
  const events = handlers().error ? [...CHANNEL_EVENTS, "error"] : CHANNEL_EVENTS;
  const undo = [
    room.listen("*", (data, message) => call(handlers(), message.event, data, message)),
    ...events.map((event) =>
      room.listen(/** @type {any} */ (event), (/** @type {any} */ first, /** @type {any} */ second) =>
        call(handlers(), event, first, second)
      )
    ),
    room.listen("subscribed", () => note(null)),
    room.listen("unsubscribed", (_, why) => note(why)),
    // A lost connection, and a retry after changed rights.
    client.listen("state", () => room.state === "subscribing" && note(null))
  ];
  note(null);
  return together([...undo, () => room.unsubscribe()]);
}

/**
 * Follow who is subscribed to a channel.
 *
 * @param {Client} client
 * @param {string} channel
 * @param {SubscribeOptions | undefined} options
 * @param {function(Presence | null): void} onChange  receives null while that is not known
 * @returns {function(): void}
 */
export function followPresence(client, channel, options, onChange) {
  const room = client.subscribe(channel, options);
  /** @type {Set<string>} */
  let users = new Set();
  let anonymous = 0;
  let requests = 0;
  /** Joins, leaves and changes since the request. @type {Array<function(): void>} */
  let moves = [];
  /** Where the namespace has data. @type {any} */
  let shown = {};
  const note = () => onChange({ users: [...users].sort(byNumber), anonymous, ...shown });

  /** @param {function(): void} move */
  const move = (move) => {
    moves.push(move);
    move();
    note();
  };

  /**
   * @param {"data" | "pageData"} kind
   * @param {string} user
   * @param {any} value  undefined: it has not changed
   */
  const show = (kind, user, value) => {
    if (value !== undefined) {
      shown = { ...shown, [kind]: { ...shown[kind], [user]: value } };
    }
  };

  /** @param {number} by  @returns {boolean} whether users are counted only */
  const count = (by) => {
    if (shown.count === undefined) {
      return false;
    }
    shown = { ...shown, count: Math.max(shown.count + by, 0) };
    return true;
  };

  /** @type {any} */
  let timer;
  const request = () => {
    clearTimeout(timer);
    const number = ++requests;
    moves = [];
    room.presence((refusal, frame) => {
      if (number !== requests || refusal || !frame) {
        return;
      }
      users = new Set(Object.keys(frame.users));
      anonymous = frame.anonymous;
      shown = frame.data ? { data: frame.data, pageData: frame.page_data } : {};
      // With so many users that they are not named, joins and leaves only change their number.
      if (frame.count !== undefined) {
        shown.count = frame.count;
      }
      moves.forEach((move) => move());
      note();
    });
  };

  const undo = [
    room.listen("subscribed", request),
    room.listen("join", (_, { user, data }) =>
      move(() => {
        if (count(1)) {
          return;
        }
        users.add(user);
        show("data", user, data);
      })
    ),
    room.listen("leave", (_, { user }) =>
      move(() => {
        if (count(-1)) {
          return;
        }
        users.delete(user);
        if (shown.data) {
          show("data", user, null);
          show("pageData", user, []);
        }
      })
    ),
    room.listen("presence_changed", (_, { user, data, page_data }) =>
      move(() => {
        show("data", user, data);
        show("pageData", user, page_data);
      })
    ),
    room.listen("unsubscribed", () => {
      clearTimeout(timer);
      onChange(null);
    }),
    // Joins and leaves are lost with what a gap stands for. It often concerns all pages at once.
    room.listen("gap", (_, /** @type {any} */ { within = GAP_WITHIN_S }) => {
      clearTimeout(timer);
      timer = setTimeout(request, Math.random() * within * 1000);
    }),
    // The same while the gateway has no Redis.
    client.listen("state", (state) => {
      if (state === "connected" && room.state === "subscribed") {
        request();
      }
    })
  ];
  return together([
    ...undo,
    () => {
      clearTimeout(timer);
      requests += 1;
      room.unsubscribe();
    }
  ]);
}

/**
 * @param {string} one
 * @param {string} other
 */
function byNumber(one, other) {
  return one.localeCompare(other, undefined, { numeric: true });
}

/**
 * @param {Handlers} handlers
 * @param {string} event
 * @param {any} first
 * @param {any} second
 */
function call(handlers, event, first, second) {
  const handler = Object.prototype.hasOwnProperty.call(handlers, event) && handlers[event];
  if (handler) {
    handler(first, second);
  }
}

/**
 * @param {Array<function(): void>} undo
 * @returns {function(): void}
 */
function together(undo) {
  return () => undo.forEach((end) => end());
}
