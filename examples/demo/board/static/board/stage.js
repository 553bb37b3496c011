// The buttons of the story.
(() => {
  const acts = document.getElementById("acts");
  const alice = document.getElementById("alice");
  const watch = document.getElementById("watch");

  async function post(address) {
    // Each login in a half changes the CSRF token, so it is read when it is needed.
    const token = /csrftoken=(\w+)/.exec(document.cookie);
    const headers = { "X-CSRFToken": token ? token[1] : "" };
    return fetch(address, { method: "POST", headers }).catch(() => null);
  }

  acts.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-watch]");
    if (!button) return;
    const { act, half, network, offline } = button.dataset;
    watch.textContent = button.dataset.watch;
    // On a phone the halves are tabs below the buttons.
    document.getElementById(`show-${half}`).checked = true;
    if (matchMedia("(max-width: 40rem)").matches) watch.scrollIntoView();
    if (network) alice.src = `${alice.getAttribute("src").split("?")[0]}?network=${network}`;
    if (!act) return;
    if (offline !== undefined) alice.contentWindow.postMessage("offline", location.origin);
    const answer = await post(act);
    if (offline !== undefined) {
      setTimeout(() => alice.contentWindow.postMessage("online", location.origin), 1500);
    }
    if (!answer || !answer.ok) watch.textContent = "Django has not answered. Try again.";
  });

  // Since the page was opened, or the gateway started.
  const { figures } = document.querySelector("[data-figures]").dataset;
  let first;
  async function count() {
    const now = document.hidden ? {} : await fetch(figures).then((a) => a.json()).catch(() => ({}));
    if (now.deliveries === undefined) return;
    if (!(now.deliveries >= first)) first = now.deliveries;
    document.getElementById("deliveries").textContent = now.deliveries - first;
  }
  setInterval(count, 1000);
  count();

  // Alice's half says how long its publications took.
  addEventListener("message", ({ origin, data }) => {
    if (origin !== location.origin || typeof data.median !== "number") return;
    document.getElementById("latency").textContent = `${data.median} ms`;
  });

  document.querySelector("[data-burst]").addEventListener("click", async ({ target }) => {
    target.disabled = true;
    const answer = await post(target.dataset.burst);
    const { cost_us: us, deliveries } = answer && answer.ok ? await answer.json() : {};
    document.getElementById("cost").textContent = us ? `${us} µs (${deliveries} deliveries)` : "…";
    target.disabled = false;
  });

  document.addEventListener("click", ({ target }) => {
    const frame = document.getElementById(target.dataset.again);
    if (frame) frame.src = frame.getAttribute("src").split("?")[0];
  });
})();
