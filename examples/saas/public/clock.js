import { find } from "./find.js";

/** @typedef {{ now: number, idleEndsAt: number, endsAt: number }} Clock */

const { now, idleEndsAt, endsAt, idleMs = "0", idleHref, limitHref } = document.body.dataset;
/** @type {Clock} */
let clock = { now: Number(now), idleEndsAt: Number(idleEndsAt), endsAt: Number(endsAt) };
/** The server's clock minus this one's. */
let ahead = clock.now - Date.now();

/** Another tab that was used has moved the end for this one as well. */
const tabs = new BroadcastChannel("flagon-clock");

/** When to warn: two minutes before the end, or what a short session allows. */
const warnMs = Math.min(120_000, Number(idleMs) / 3);
/** How long after the end to leave: too early, and the server would find the session alive, and prolong it. */
const graceMs = 250;

export function runClock() {
  if (now === undefined) return;
  tabs.addEventListener("message", ({ data }) => set(data));
  tabs.postMessage(clock);
  find("[data-stay]")?.addEventListener("click", stay);
  tick();
  const ticking = setInterval(() => {
    tick();
    const href = endsByLimit() ? limitHref : idleHref;
    if (millisecondsLeft() > -graceMs || href === undefined) return;
    clearInterval(ticking);
    location.assign(href);
  }, 500);
}

/** Until the session ends, in one way or the other. */
export function millisecondsLeft() {
  return Math.min(clock.idleEndsAt, clock.endsAt) - Date.now() - ahead;
}

/** Asking the server is a visit, so it fills the jug up again. */
async function stay() {
  const response = await fetch("/session/clock");
  const answer = await response.json();
  if (!answer.signedIn || answer.clock === null) return location.assign(idleHref ?? "/sign-in");
  set(answer.clock);
  tabs.postMessage(clock);
  tick();
}

function set(/** @type {Clock} */ newer) {
  clock = newer;
  ahead = clock.now - Date.now();
}

function endsByLimit() {
  return clock.endsAt <= clock.idleEndsAt;
}

function tick() {
  const time = Date.now() + ahead;
  show("idle", millisecondsLeft());
  show("limit", clock.endsAt - time);
  fillJug((clock.idleEndsAt - time) / Number(idleMs));
  warn(millisecondsLeft());
}

function show(/** @type {"idle" | "limit"} */ kind, /** @type {number} */ left) {
  const place = find(`[data-countdown="${kind}"]`);
  if (place === null) return;
  place.textContent = timeLeftText(left);
  place.toggleAttribute("data-low", left <= warnMs);
}

/** The jug is as full as there is time left: `data-jug` is the depth of its inside. */
function fillJug(/** @type {number} */ share) {
  const ale = document.querySelector("[data-jug]");
  if (!(ale instanceof SVGRectElement)) return;
  const height = Math.max(0, Math.min(1, share)) * Number(ale.dataset.jug) + 2;
  const floor = ale.y.baseVal.value + ale.height.baseVal.value;
  ale.setAttribute("y", String(floor - height));
  ale.setAttribute("height", String(height));
}

function warn(/** @type {number} */ left) {
  const banner = find("[data-ending]");
  const text = find("[data-ending-text]");
  const time = find("[data-ending-time]");
  const stayButton = find("[data-stay]");
  if (banner === null || text === null || time === null || stayButton === null) return;
  const isNear = left <= warnMs && left > 0;
  time.textContent = timeLeftText(left);
  stayButton.hidden = endsByLimit();
  if (isNear === !banner.hidden) return;
  banner.hidden = !isNear;
  // Said once, when it appears: the seconds beside it would be read out each time.
  text.textContent = isNear ? warning() : "";
}

function warning() {
  return endsByLimit()
    ? "Your sign-in reaches its limit soon. Save what you are doing."
    : "You have been quiet for a while, and will be signed out soon.";
}

/** As the server writes it (lib/words.ts). */
function timeLeftText(/** @type {number} */ milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}
