// One user's half: forms are sent without loading the page, and the strip takes its numbers.
(() => {
  const { strip } = document.currentScript.dataset;
  const rt = Sockgate.connect();
  const cells = document.getElementById("strip").children;

  rt.onstate = (state, { transport }) => {
    document.getElementById("state").textContent = state === "connected" ? transport : state;
  };

  // The median of the last 100 publications, from Django to this page.
  const latencies = [];
  const measure = ({ sent_at }) => {
    latencies.unshift(Math.max(0, Date.now() - 1000 * sent_at));
    latencies.length = Math.min(latencies.length, 100);
    const middle = [...latencies].sort((a, b) => a - b)[latencies.length >> 1];
    const median = Math.round(10 * middle) / 10;
    document.getElementById("latency").textContent = `, ${median} ms`;
    // Only alice's half has the origin of the page around it.
    parent.postMessage({ median }, location.origin);
  };
  const numbers = rt.subscribe(strip);
  numbers.on("burst", measure);
  numbers.on("number", (data) => {
    measure(data);
    if (data.number === 1) for (const cell of cells) cell.className = "";
    cells[data.number - 1].className = "here";
  });

  // Who edits what. What a page says of itself is shown as text.
  const desk = rt.subscribe("desk:tasks");
  const say = (title) => desk.presence(show, title && { editing: title });
  const show = () => desk.presence((refusal, frame) => {
    const { users, data, page_data: pages } = frame || {};
    const others = Object.keys(users || {}).filter((uid) => uid !== String(rt.user));
    const lines = others.flatMap((uid) =>
      ((pages || {})[uid] || []).map(({ editing }) => `${data[uid].name} is editing “${editing}”`)
    );
    document.getElementById("editing").textContent = lines.join(", ");
  });
  for (const event of ["subscribed", "join", "leave", "presence_changed"]) desk.on(event, show);
  const titleOf = ({ target }) =>
    target.name === "title" && target.closest("[draggable]").querySelector("span").firstChild.nodeValue.trim();
  addEventListener("focusin", (event) => titleOf(event) && say(titleOf(event)));
  addEventListener("focusout", (event) => titleOf(event) && say(null));

  // Alice's half has the origin of the page around it, which takes her offline.
  addEventListener("message", ({ origin, data }) => {
    if (origin !== location.origin) return;
    if (data === "offline") rt.close();
    if (data === "online") rt.connect();
  });

  // Django answers a form that it has taken with a redirect, and one with errors with the form.
  const send = async (form, fields = {}) => {
    const body = new FormData(form);
    for (const name in fields) body.set(name, fields[name]);
    const options = { method: "POST", body, redirect: "manual" };
    const answer = (await fetch(form.action, options).catch(() => null)) || { status: 0 };
    const isTaken = answer.type === "opaqueredirect";
    document.getElementById("refused").hidden = isTaken || answer.status === 422;
    if (answer.status === 422) {
      const around = form.parentElement;
      form.outerHTML = await answer.text();
      around.querySelector("[aria-invalid]").focus();
    }
    return isTaken;
  };
  document.addEventListener("submit", async (event) => {
    event.preventDefault();
    const details = event.target.closest("details");
    if ((await send(event.target)) && details) details.open = false;
  });

  // A card is dragged to a column. Its form does the same for a keyboard.
  let dragged;
  const columnOf = ({ target }) => dragged && target.closest("[data-column]");
  document.addEventListener("dragstart", ({ target }) => {
    dragged = target.closest && target.closest("li[draggable]");
  });
  document.addEventListener("dragover", (event) => columnOf(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    const column = columnOf(event);
    if (!column) return;
    event.preventDefault();
    send(dragged.querySelector("form"), { column: column.dataset.column });
    dragged = null;
  });

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const toast of addedNodes) setTimeout(() => toast.remove(), 6000);
    }
  }).observe(document.getElementById("toasts"), { childList: true });
})();
