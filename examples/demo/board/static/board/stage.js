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

  document.addEventListener("click", ({ target }) => {
    const frame = document.getElementById(target.dataset.again);
    if (frame) frame.src = frame.getAttribute("src").split("?")[0];
  });
})();
