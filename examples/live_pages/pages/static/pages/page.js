// An element with an id is a variable of the page, by the standard of HTML: here, quote, say.

// begin connection
const rt = Sockgate.connect();
// end connection

// begin presence
const lobby = rt.subscribe("lobby:shop");
const show = (no, all) => no || (here.value = Object.values(all.data).map((u) => u.name).join());
for (const event of ["subscribed", "join", "leave"]) lobby.on(event, () => lobby.presence(show));
// end presence

// begin ticker
rt.subscribe("ticker:django").on("price", ({ price }) => (quote.value = price));
// end ticker

// begin chat
say.addEventListener("submit", (event) => {
  event.preventDefault();
  const sent = fetch(say.action, { method: "POST", body: new FormData(say), redirect: "manual" });
  sent.then(() => say.reset());
});
// end chat
