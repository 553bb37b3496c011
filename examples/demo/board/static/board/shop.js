// One user's half: forms are sent without loading the page, and the strip takes its numbers.
(() => {
  const { strip } = document.currentScript.dataset;
  const rt = Sockgate.connect();
  const cells = document.getElementById("strip").children;

  rt.onstate = (state, { transport }) => {
    document.getElementById("state").textContent = state === "connected" ? transport : state;
  };

  rt.subscribe(strip).on("number", ({ number, sent_at }) => {
    const ms = Math.max(0, Math.round(Date.now() - 1000 * sent_at));
    document.getElementById("latency").textContent = `, the last after ${ms} ms`;
    if (number === 1) for (const cell of cells) cell.className = "";
    cells[number - 1].className = "here";
  });

  // Alice's half has the origin of the page around it, which takes her offline.
  addEventListener("message", ({ origin, data }) => {
    if (origin !== location.origin) return;
    if (data === "offline") rt.close();
    if (data === "online") rt.connect();
  });

  document.addEventListener("submit", (event) => {
    if (!event.target.closest("#tasks")) return;
    event.preventDefault();
    const body = new FormData(event.target);
    fetch(event.target.action, { method: "POST", body, redirect: "manual" });
  });

  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const toast of addedNodes) setTimeout(() => toast.remove(), 6000);
    }
  }).observe(document.getElementById("toasts"), { childList: true });
})();
