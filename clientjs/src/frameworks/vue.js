/**
 * Composables for Vue 3.3 and later.
 *
 * Strategy: a component subscribes when it is mounted. So a server that renders pages subscribes to
 * nothing, and its HTML is that of the browser's first render.
 */
import { computed, inject, onMounted, onScopeDispose, shallowRef, toValue, watch } from "vue";

import { NO_CHANNEL, followChannel, followClient, followPresence } from "./follow.js";

/**
 * @typedef {import("../sockgate.js").Client<any>} Client
 * @typedef {import("../sockgate.js").SubscribeOptions} SubscribeOptions
 * @typedef {import("vue").MaybeRefOrGetter<string | null | undefined>} ChannelName
 */

/** @type {import("vue").InjectionKey<Client>} */
const KEY = Symbol("sockgate");

/**
 * A plugin that gives a client to the composables below: `app.use(createSockgate(rt))`.
 *
 * @param {Client} client
 */
export function createSockgate(client) {
  return {
    install(/** @type {import("vue").App} */ app) {
      app.provide(KEY, client);
    }
  };
}

/** The client, with its state and user. */
export function useSockgate() {
  const client = useClient();
  const state = shallowRef(/** @type {import("../sockgate.js").State} */ ("closed"));
  const user = shallowRef(/** @type {string | null} */ (null));
  const note = () => {
    state.value = client.state;
    user.value = client.user;
  };
  whileMounted(() => {
    note();
    return followClient(client, note);
  });
  return { client, state, user };
}

/**
 * Subscribe to a channel while the component is mounted.
 *
 * @param {ChannelName} channel  without one, nothing is subscribed
 * @param {import("./follow.js").Handlers} [handlers]  by event
 * @param {SubscribeOptions} [options]
 */
export function useChannel(channel, handlers = {}, options) {
  const client = useClient();
  const value = shallowRef(NO_CHANNEL);
  const set = (/** @type {import("./follow.js").ChannelState} */ next) => (value.value = next);
  followEach(
    channel,
    (name) => followChannel(client, name, options, () => handlers, set),
    () => set(NO_CHANNEL)
  );
  return {
    room: computed(() => value.value.room),
    state: computed(() => value.value.state),
    why: computed(() => value.value.why)
  };
}

/**
 * Follow who is subscribed to a channel.
 *
 * @param {ChannelName} channel
 * @param {SubscribeOptions} [options]
 */
export function usePresence(channel, options) {
  const client = useClient();
  const value = shallowRef(/** @type {import("./follow.js").Presence | null} */ (null));
  const set = (/** @type {import("./follow.js").Presence | null} */ next) => (value.value = next);
  followEach(channel, (name) => followPresence(client, name, options, set), () => set(null));
  return value;
}

/** @returns {Client} */
function useClient() {
  const client = inject(KEY, null);
  if (!client) {
    throw new Error("sockgate/vue: call app.use(createSockgate(client))");
  }
  return client;
}

/**
 * @param {ChannelName} channel
 * @param {function(string): function(): void} follow  returns a function that stops
 * @param {function(): void} reset
 */
function followEach(channel, follow, reset) {
  whileMounted(() =>
    watch(
      () => toValue(channel),
      (name, _, onCleanup) => {
        if (name) {
          const stop = follow(name);
          onCleanup(() => {
            stop();
            reset();
          });
        }
      },
      { immediate: true }
    )
  );
}

/** @param {function(): (function(): void)} start  returns a function that stops */
function whileMounted(start) {
  let stop = () => {};
  onMounted(() => {
    stop = start();
  });
  onScopeDispose(() => stop());
}
