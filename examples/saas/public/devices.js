import { millisecondsLeft } from "./clock.js";
import { find } from "./find.js";

/** Hears of other devices while the page is in view, and leaves when this one was signed out from another. */
export function listen() {
  const { live, elsewhereHref = "/sign-in" } = document.body.dataset;
  if (live === undefined) return;
  /** @type {EventSource | null} */
  let source = null;

  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    if (document.visibilityState !== "visible") return close();
    if (source !== null) return;
    source = new EventSource(live);
    source.addEventListener("ended", () => {
      close();
      // A session that has run out is the clock's to tell of.
      if (millisecondsLeft() > 2_000) location.assign(elsewhereHref);
    });
    source.addEventListener("devices", ({ data }) => showDevices(data));
  };

  document.addEventListener("visibilitychange", open);
  // A form may end this session, as signing out does: that is not to be told as if it came from elsewhere.
  addEventListener("submit", close);
  open();
}

function showDevices(/** @type {string} */ html) {
  const list = find("[data-devices]");
  if (list === null) return;
  const before = list.querySelectorAll("li").length;
  const focused = document.activeElement?.closest("[data-devices] form")?.querySelector("input")?.value;
  list.innerHTML = html;
  const same = [...list.querySelectorAll("input")].find((input) => input.value === focused);
  same?.form?.querySelector("button")?.focus();
  const after = list.querySelectorAll("li").length;
  const changed = find("[data-devices-changed]");
  if (changed && after !== before)
    changed.textContent = after > before ? "A device signed in." : "A device was signed out.";
}
