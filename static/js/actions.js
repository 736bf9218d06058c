/* Beside htmx on the pages of actions: what waits says so, and focus goes to what opened.
   Without this file and without htmx the same forms and links load pages. */
const body = document.body;

// A row that somebody sees is to follow what is set beside it.
body.addEventListener("htmx:configRequest", (event) => {
  const { path, parameters, verb } = event.detail;
  const id = /actions\/([0-9a-f-]{36})\//.exec(path)?.[1];
  if (verb === "post" && id && document.getElementById(`rec-${id}`)) parameters.listed = "1";
});

body.addEventListener("htmx:beforeRequest", (event) => event.detail.target.setAttribute("aria-busy", "true"));

body.addEventListener("htmx:afterRequest", (event) => {
  event.detail.target.removeAttribute("aria-busy");
  if (!event.detail.xhr.status) say("Not saved: the server cannot be reached. Try again.");
  else if (event.detail.failed && ![409, 422].includes(event.detail.xhr.status)) {
    say("Not saved: something went wrong. Load the page again.");
  }
});

body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id !== "detail") return;
  const { verb } = event.detail.requestConfig;
  if (verb === "get" || event.detail.xhr.status !== 200) document.getElementById("dt")?.focus();
  for (const row of document.querySelectorAll(".rec")) {
    row.classList.toggle("is-on", event.detail.pathInfo.requestPath.includes(row.id.slice(4)));
  }
});

function say(text) {
  document.getElementById("said").textContent = text;
}
