// What the pages can do without, but are kinder with: messages that are spoken, clocks that run, a word before the end.

/** Writes time left as the server does (lib/words.ts). */
const timeLeft = (/** @type {number} */ milliseconds) => {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
};

const find = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (document.querySelector(selector));

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

/** The jug is as full as there is time left: `data-jug` is the depth of its inside. */
function fill(/** @type {SVGRectElement} */ ale, /** @type {number} */ share) {
  const height = Math.max(0, Math.min(1, share)) * Number(ale.dataset.jug);
  const floor = ale.y.baseVal.value + ale.height.baseVal.value;
  ale.setAttribute("y", String(floor - height - 2));
  ale.setAttribute("height", String(height + 2));
}

/** @typedef {{ now: number, idleEndsAt: number, endsAt: number }} Clock */

function runClock() {
  const { now, idleEndsAt, endsAt, idleMs, idleHref, limitHref } = document.body.dataset;
  if (now === undefined) return;

  /** The server's clock minus this one's. */
  let ahead = 0;
  let ends = { idle: 0, limit: 0 };
  const banner = find("[data-ending]");
  const bannerText = find("[data-ending-text]");
  const bannerTime = find("[data-ending-time]");
  const stay = find("[data-stay]");
  let left = false;
  /** Asked too early, the server would find the session alive, and prolong it. */
  const graceMs = 250;

  const set = (/** @type {Clock} */ clock) => {
    ahead = clock.now - Date.now();
    ends = { idle: clock.idleEndsAt, limit: clock.endsAt };
  };
  set({ now: Number(now), idleEndsAt: Number(idleEndsAt), endsAt: Number(endsAt) });
  /** Two minutes, or what a short session allows. */
  const warnAt = Math.min(120_000, Number(idleMs) / 3);

  // Another tab that was used has moved the end for this one as well.
  const tabs = new BroadcastChannel("flagon-clock");
  tabs.addEventListener("message", ({ data }) => set(data));
  tabs.postMessage({ now: Number(now), idleEndsAt: ends.idle, endsAt: ends.limit });

  const tick = () => {
    const time = Date.now() + ahead;
    for (const kind of /** @type {const} */ (["idle", "limit"])) {
      const shown = find(`[data-countdown="${kind}"]`);
      if (shown === null) continue;
      shown.textContent = timeLeft(ends[kind] - time);
      shown.toggleAttribute("data-low", ends[kind] - time <= warnAt);
    }
    const ale = document.querySelector("[data-jug]");
    if (ale instanceof SVGRectElement) fill(ale, (ends.idle - time) / Number(idleMs));
    const byLimit = ends.limit <= ends.idle;
    const rest = Math.min(ends.idle, ends.limit) - time;
    const href = byLimit ? limitHref : idleHref;
    if (href === undefined) return;
    if (rest <= -graceMs && !left) {
      left = true;
      location.assign(href);
    }
    if (banner === null || bannerText === null || bannerTime === null || stay === null) return;
    const isNear = rest <= warnAt && rest > 0;
    bannerTime.textContent = timeLeft(rest);
    stay.hidden = byLimit;
    if (isNear === !banner.hidden) return;
    banner.hidden = !isNear;
    // Set once, when it appears: the seconds beside it are not read out each time.
    bannerText.setAttribute("role", "alert");
    bannerText.textContent = !isNear
      ? ""
      : byLimit
        ? "Your sign-in reaches its limit soon. Save what you are doing."
        : "You have been quiet for a while, and will be signed out soon.";
  };

  stay?.addEventListener("click", async () => {
    const response = await fetch("/session/clock");
    const { clock, signedIn } = await response.json();
    if (!signedIn || clock === null) return location.assign(idleHref ?? "/sign-in");
    set(clock);
    tabs.postMessage(clock);
    tick();
  });

  tick();
  setInterval(tick, 500);
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
speakFlashes();
letPasswordsBeSeen();
writeLocalDates();
await weighCookie();
