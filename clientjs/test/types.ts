// Compiled, never run. The types must accept the examples of the README, and reject errors.
import * as source from "../src/async/index.js";
import type * as published from "../src/sockgate.js";
import { connect, Client, CloseCode, Message, SockgateError, State, StateRequest } from "../src/sockgate.js";
import { loadState } from "../src/state/state.js";

// The types match the source.
export const kept: {
  connect: typeof published.connect;
  CloseCode: Record<keyof typeof published.CloseCode, number>;
  SockgateError: typeof published.SockgateError;
} = source;

interface News {
  title: string;
}

const rt: Client = connect({ tokenUrl: "/realtime/token/", transports: ["websocket"] });

rt.on<News>("news", (data, message: Message<News>) => {
  const title: string = data.title;
  const channel: string = message.channel;
  return [title, channel, roundTrip];
})
  .on("*", (data) => data)
  .off("news");

const roundTrip: number = rt.rtt === null ? 0 : rt.rtt;
rt.on("state", (state, detail) => [state, detail]);
rt.onstate = (state, detail) => (state === "waiting" ? detail.ms : 0);
rt.on("gap", (channel) => channel.toUpperCase());
rt.on("error", (code, frame) => [code, frame.message]);
rt.off("news", () => undefined);
rt.on("join", (channel, frame) => [channel, frame.user]);

const room = rt.subscribe("room:7", { grant: null, recover: ["k3", 7] });
room.on<News>("news", (data) => data.title).on("gap", (channel) => channel.toUpperCase());
room.on("unsubscribed", (channel, why) => [channel, why.code, why.reason]);
room.presence((refusal, frame) => (refusal ? refusal.code : frame!.users["7"] + frame!.anonymous));
rt.presence("room:7", () => undefined);
const isIn: boolean = room.state === "subscribed" && room.channel === "room:7";
if (isIn) room.unsubscribe();
rt.subscribe("room:7", { recover: false });
rt.subscribe("room:7", { recover: 20 });
rt.subscribe("room:7", { recover: "all" });

interface Orders {
  orders: string[];
  position: [string, number];
}
const loadOrders = async ({ signal }: StateRequest): Promise<Orders> =>
  (await fetch("/orders/", { signal: signal ?? null })).json();
const endState: () => void = room.loadState(loadOrders, ({ orders }) => orders.join(), {
  jitterMs: 500,
  loaded: true,
  positionOf: ({ position }) => position,
});
endState();
loadState(room, () => 7, (count) => count.toFixed());
// @ts-expect-error: the state is a number
room.loadState(() => 7, (count: string) => count);

connect({ grantUrl: null, getGrant: (channel, callback) => callback(null, { grant: channel }) });

connect({ getToken: (callback) => callback(null, { token: "t", expires_in: 60 }) });
connect({ getToken: (callback) => callback({ status: 403 }) });
connect();

const ended: 4500 = CloseCode.SESSION_ENDED;
const isEnded = (code: number): boolean => code === ended;
isEnded(4500);

rt.connect();
rt.close();

// @ts-expect-error: no such transport
connect({ transports: ["carrier-pigeon"] });
// @ts-expect-error: the state is read-only
rt.state = "connected";
// @ts-expect-error: a position is an epoch and an offset
rt.subscribe("room:7", { recover: ["k3"] });
// @ts-expect-error: no such word
rt.subscribe("room:7", { recover: "newest" });
// @ts-expect-error: the lifetime of a token is a number of seconds
connect({ token: "t", expiresIn: "1h" });

// Declared events.

interface Shop {
  news: News;
  "price-changed": { cents: number };
  "client-typing": undefined;
  "client-said": { text: string };
}

const shop = connect<Shop>({ autoConnect: false });
shop.on("news", (data, message) => [data.title.length, message.event === "news", message.data.title]);
const undo: () => void = shop.listen("price-changed", ({ cents }) => cents + 1);
undo();
shop.on("gap", (channel, frame) => [channel.length, frame.epoch]);
shop.on("user", (now, before) => [now?.length, before?.length]);
shop.on("message", (data) => data);
shop.on("touch", (data, message) => [data === null, message.channel.length]);
shop.on("*", (_, message) => (message.event === "news" ? message.data.title : message.channel));

const desk = shop.subscribe("desk:7");
desk.on("news", (data) => data.title);
const other = shop.subscribe<{ moved: { x: number } }>("board:1", { grant: null });
other.on("moved", ({ x }) => x.toFixed());

// @ts-expect-error: no such event
shop.on("nwes", () => undefined);
// @ts-expect-error: no such event
shop.listen("nwes", () => undefined);
// @ts-expect-error: the data has no such field
shop.on("news", (data) => data.headline);
// @ts-expect-error: the handler wants other data
desk.on("news", (data: { cents: number }) => data.cents);
// @ts-expect-error: another channel's event
other.on("news", () => undefined);
// @ts-expect-error: a browser publishes only events that begin with "client-"
desk.publish("news", { title: "no" });
// @ts-expect-error: the text is missing
desk.publish("client-said", {});
// @ts-expect-error: the data is missing
desk.publish("client-said");
// @ts-expect-error: no such option
connect({ autoconnect: false });

// Promises and loops.

export async function talk(signal: AbortSignal): Promise<string> {
  const { transport, user } = await shop.ready({ timeout: 5000, signal });
  await desk.ready();
  const { users, anonymous } = await desk.presence();
  const sum: number = users["7"] + anonymous + (await rt.presence("room:7")).anonymous;
  const sent: number | undefined = (await desk.publish("client-said", { text: "hi" })).offset;
  await desk.publish("client-typing");
  await room.publish("client-anything", { any: 1 });
  desk.publish("client-typing", undefined, (refusal, frame) => [refusal?.code, frame?.offset]);
  for await (const message of desk.messages({ signal })) {
    if (message.event === "price-changed") return message.data.cents.toFixed();
  }
  for await (const { data, channel } of rt.messages({ limit: 10 })) return channel + data;
  // @ts-expect-error: no such event
  for await (const message of desk.messages()) if (message.event === "nwes") break;
  return [transport, user, sum, sent].join();
}

export const isRejected = (error: unknown): boolean =>
  error instanceof SockgateError && (error.code === "not_allowed" || error.closeCode === 4500);

// Handlers with fewer parameters.
let state: State = "closed";
rt.onstate = (s) => (state = s);
rt.onstate = (s: State) => (state = s);
rt.onstate = () => state;
rt.onstate = null;
shop.onstate = (s) => (state = s);
rt.on("state", (s) => s.length);
desk.on("unsubscribed", (_, why) => why.reason.length + why.code.length + why.message.length);

// A client with declared events is a client.
const show = (client: Client): State => client.state;
show(shop);
