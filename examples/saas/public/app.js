// What the pages can do without, but are kinder with: messages that are spoken, clocks that run, a word before the end.
import { runClock } from "./clock.js";
import { listen } from "./devices.js";
import { find } from "./find.js";

/** A screen reader speaks what changes in a live region, and a region that came with the page has not changed. */
function speakFlashes() {
  for (const flash of document.querySelectorAll("[data-flash]")) {
    const words = [...flash.childNodes];
    flash.replaceChildren();
    setTimeout(() => flash.replaceChildren(...words), 100);
  }
}

function letPasswordsBeSeen() {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-reveal]"))) {
    const input = document.getElementById(button.dataset.reveal ?? "");
    if (!(input instanceof HTMLInputElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      const isShown = input.type === "password";
      input.type = isShown ? "text" : "password";
      button.textContent = isShown ? "Hide" : "Show";
      button.setAttribute("aria-pressed", String(isShown));
      input.focus();
    });
    // A password that is sent as plain text would be offered by the browser as a form entry later.
    input.form?.addEventListener("submit", () => {
      input.type = "password";
    });
  }
}

function writeLocalDates() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-local]"))) {
    time.textContent = new Date(time.dateTime).toLocaleDateString(undefined, { dateStyle: "long" });
  }
}

/** The page showed a flash, so its answer carried a new cookie, which only the next request can weigh. */
async function weighCookie() {
  const bytes = find("[data-cookie-bytes]");
  const meter = find("[data-cookie-meter]");
  const bar = document.querySelector("[data-cookie-bar]");
  if (bytes === null || !(meter instanceof HTMLMeterElement) || find("[data-flash]") === null) return;
  const response = await fetch("/session/clock");
  const answer = await response.json();
  bytes.textContent = answer.bytes.toLocaleString("en");
  meter.value = answer.bytes;
  bar?.setAttribute("width", `${(100 * answer.bytes) / meter.max}%`);
}

// Back, after a sign-out, must not show what was there before it.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

runClock();
listen();
speakFlashes();
letPasswordsBeSeen();
writeLocalDates();
await weighCookie();
