/**
 * The rooms of src, each with one purpose. An import points to the same room or to one above it in this
 * list. `npm run lint` checks it.
 */
const ROOMS = [
  "base", // what a page and its browser give: names, clock, network, orders, events
  "credentials", // tokens, grants, CSRF, the secrets of SockJS's sessions
  "wire", // frames, close codes, answers to requests, positions
  "transports", // WebSocket, SockJS and its scripts, the race between them
  "channels", // subscriptions and their events
  "core", // the client and its connection
  "state", // the state of a channel, kept up to date
  "async", // promises and loops, for modules
  "shared", // one connection for all tabs
  "page", // badge, guard, live, progress, tag
  "frameworks", // React, Vue, Svelte, htmx, Turbo
];

const upward = ROOMS.slice(0, -1).map((room, place) => ({
  name: `from-${room}`,
  severity: "error",
  from: { path: `^src/${room}/` },
  to: { path: `^src/(${ROOMS.slice(place + 1).join("|")})/` },
}));

module.exports = {
  forbidden: [
    ...upward,
    { name: "unlisted-room", severity: "error", from: { path: "^src/[^/]+/", pathNot: `^src/(${ROOMS.join("|")})/` }, to: {} },
    { name: "to-unlisted-room", severity: "error", from: {}, to: { path: "^src/[^/]+/", pathNot: `^src/(${ROOMS.join("|")})/` } },
    { name: "circle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-room", severity: "error", from: { path: "^src/[^/]+/" }, to: { path: "^src/[^/]+\\.js$" } },
  ],
  options: { doNotFollow: { path: "node_modules" }, includeOnly: "^src/" },
};
