/**
 * Keeps an open page current, and goes on by itself when the session can be reached again. Without this script the page is
 * as it was when it was asked for, and the waiting one asks again by its Refresh header.
 */
const everyMs = 1_000;
const { slot = "", from = "", waiting } = document.body.dataset;

for (;;) {
  await new Promise((resolve) => setTimeout(resolve, everyMs));
  if (document.hidden) continue;
  try {
    const response = await fetch(`/live?slot=${slot}&from=${from}`);
    if (waiting !== undefined && response.ok) location.replace("/");
    // A 503 has its parts as well: what is lost, and what takes its place.
    if (response.headers.get("content-type")?.startsWith("text/html")) show(await response.text());
  } catch {
    // The example was stopped, or is about to answer again.
  }
}

/** @param {string} text */
function show(text) {
  const news = new DOMParser().parseFromString(text, "text/html");
  for (const part of news.querySelectorAll("[data-part]")) {
    const old = document.querySelector(`[data-part="${part.getAttribute("data-part")}"]`);
    if (old !== null && old.innerHTML !== part.innerHTML) old.replaceChildren(...part.childNodes);
  }
}
