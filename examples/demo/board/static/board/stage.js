// The buttons of the story.
(() => {
  const acts = document.getElementById("acts");
  const result = document.getElementById("result");

  acts.addEventListener("click", async ({ target }) => {
    const { act } = target.dataset;
    if (!act) return;
    // Each login in a half changes the CSRF token, so it is read when it is needed.
    const token = /csrftoken=(\w+)/.exec(document.cookie);
    const headers = { "X-CSRFToken": token ? token[1] : "" };
    const answer = await fetch(act, { method: "POST", headers }).catch(() => null);
    result.textContent = answer && answer.ok ? "" : "Django has not answered. Try again.";
  });

  document.addEventListener("click", ({ target }) => {
    const frame = document.getElementById(target.dataset.again);
    if (frame) frame.src = frame.getAttribute("src");
  });
})();
