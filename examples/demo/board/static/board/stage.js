// The buttons of the story.
(() => {
  const acts = document.getElementById("acts");
  const alice = document.getElementById("alice");
  const result = document.getElementById("result");

  acts.addEventListener("click", async ({ target }) => {
    const { act, network, offline } = target.dataset;
    if (network) alice.src = `${alice.getAttribute("src").split("?")[0]}?network=${network}`;
    if (!act) return;
    if (offline !== undefined) alice.contentWindow.postMessage("offline", location.origin);
    // Each login in a half changes the CSRF token, so it is read when it is needed.
    const token = /csrftoken=(\w+)/.exec(document.cookie);
    const headers = { "X-CSRFToken": token ? token[1] : "" };
    const answer = await fetch(act, { method: "POST", headers }).catch(() => null);
    if (offline !== undefined) {
      setTimeout(() => alice.contentWindow.postMessage("online", location.origin), 1500);
    }
    result.textContent = answer && answer.ok ? "" : "Django has not answered. Try again.";
  });

  // Since the page was opened, or the gateway started.
  const { figures } = document.querySelector("[data-figures]").dataset;
  let first;
  async function count() {
    const now = document.hidden ? {} : await fetch(figures).then((a) => a.json()).catch(() => ({}));
    if (now.deliveries === undefined) return;
    if (!first || now.deliveries < first.deliveries) first = now;
    const deliveries = now.deliveries - first.deliveries;
    const us = Math.round((1e6 * (now.cpu_s - first.cpu_s)) / deliveries);
    document.getElementById("deliveries").textContent = deliveries;
    document.getElementById("cost").textContent = deliveries ? `${us} µs` : "…";
  }
  setInterval(count, 1000);
  count();

  document.addEventListener("click", ({ target }) => {
    const frame = document.getElementById(target.dataset.again);
    if (frame) frame.src = frame.getAttribute("src").split("?")[0];
  });
})();
