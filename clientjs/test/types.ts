// Compiled, never run: the types must take what the README shows, and refuse what is wrong.
import * as source from "../src/index.js";
import type * as published from "../src/sockgate.js";
import { connect, Client, CloseCode, Message } from "../src/sockgate.js";

// The types say what the source does.
export const kept: { connect: typeof published.connect; CloseCode: Record<keyof typeof published.CloseCode, number> } = source;

interface News {
  title: string;
}

const rt: Client = connect({ tokenUrl: "/realtime/token/", transports: ["websocket"] });

rt.on<News>("news", (data, message: Message<News>) => {
  const title: string = data.title;
  const channel: string = message.channel;
  return [title, channel];
})
  .on("*", (data) => data)
  .off("news");

rt.on("state", (state, detail) => [state, detail]);
rt.onstate = (state, detail) => (state === "waiting" ? detail.ms : 0);
rt.on("gap", (channel) => channel.toUpperCase());
rt.on("error", (code, frame) => [code, frame.message]);
rt.off("news", () => undefined);
rt.on("join", (channel, frame) => [channel, frame.user]);

const room = rt.subscribe("room:7", { grant: null, recover: ["k3", 7] });
room.on<News>("news", (data) => data.title).on("gap", (channel) => channel.toUpperCase());
room.on("unsubscribed", (channel, why) => [channel, why.code]);
room.presence((refusal, frame) => (refusal ? refusal.code : frame!.users["7"] + frame!.anonymous));
rt.presence("room:7", () => undefined);
const isIn: boolean = room.state === "subscribed" && room.channel === "room:7";
if (isIn) room.unsubscribe();
rt.subscribe("room:7", { recover: false });

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
// @ts-expect-error: only the client changes it
rt.state = "connected";
// @ts-expect-error: a position is an epoch and an offset
rt.subscribe("room:7", { recover: 7 });
// @ts-expect-error: a token's life is a number of seconds
connect({ token: "t", expiresIn: "1h" });
