import { Hono } from "hono";
import type { AppContext, AppEnv } from "../context.ts";
import { sessionClock } from "../lib/clock.ts";
import { readForm } from "../lib/form.ts";
import { sentSessionCookie } from "../lib/session-cookie.ts";
import { page } from "../views/page.tsx";
import { SessionPage, type SessionPageProblems } from "../views/session-page.tsx";

export const sessionRoutes = new Hono<AppEnv>();

sessionRoutes.get("/session", (c) => show(c, {}));

/**
 * A cookie has its own limit, a row in a store has none: without this, a visitor could fill the disk, and would have each
 * request of theirs read it all.
 */
const keysMax = 50;

sessionRoutes.post("/session/set", async (c) => {
  const field = await readForm(c);
  const key = field("key").trim();
  const value = field("value");
  if (key === "" || key.length > 64) {
    return show(c, { key: "Use 1 to 64 characters." }, { key, value });
  }
  if (value.length > 4_000) return show(c, { value: "Use at most 4,000 characters." }, { key, value });
  const session = c.get("session");
  if (!session.has(key) && session.size >= keysMax) {
    return show(c, { key: `There are ${keysMax} already. Pop one first.` }, { key, value });
  }
  session.set(key, value);
  return c.redirect("/session#values", 303);
});

sessionRoutes.post("/session/count", (c) => {
  c.get("session").update("count", (count) => (typeof count === "number" ? count : 0) + 1);
  return c.redirect("/session#values", 303);
});

sessionRoutes.post("/session/pop", async (c) => {
  const key = (await readForm(c))("key");
  const session = c.get("session");
  if (session.has(key)) {
    const value = JSON.stringify(session.pop(key));
    // Of a long one the beginning: a session that is full must not become fuller by what is taken out of it.
    const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
    session.flash(`Popped ${key}: it was ${shown}.`, "success");
  }
  return c.redirect("/session", 303);
});

sessionRoutes.post("/session/clear", (c) => {
  c.get("session").clear();
  c.get("session").flash("Cleared. What you kept is gone; your sign-in stays.", "info");
  return c.redirect("/session", 303);
});

const categories = ["info", "success", "warning", "error"] as const;

sessionRoutes.post("/session/flash", async (c) => {
  const field = await readForm(c);
  const message = field("message").trim();
  const category = categories.find((name) => name === field("category")) ?? "info";
  if (message === "" || message.length > 200) return show(c, { message: "Use 1 to 200 characters." });
  c.get("session").flash(message, category);
  return c.redirect("/session", 303);
});

/** What the page's script asks for: the cookie as it is now, and the clocks. Asking is a visit, so it moves the idle end. */
sessionRoutes.get("/session/clock", (c) => {
  const clock = sessionClock(c);
  const bytes = sentSessionCookie(c.req.header("cookie"))?.bytes ?? 0;
  return c.json({ signedIn: c.get("user") !== null, clock, bytes });
});

function show(c: AppContext, problems: SessionPageProblems, typed?: { key: string; value: string }) {
  const failed = Object.keys(problems).length > 0;
  const session = c.get("session");
  return page(
    c,
    { title: failed ? "Error: your session" : "Your session", status: failed ? 422 : 200 },
    <SessionPage
      entries={session.entries()}
      cookie={session.isNew ? null : sentSessionCookie(c.req.header("cookie"))}
      clock={sessionClock(c)}
      id={session.isNew ? null : session.id}
      permanent={session.permanent}
      username={c.get("user")?.username ?? null}
      place={c.get("services").backend.place}
      problems={problems}
      typed={typed ?? { key: "", value: "" }}
    />,
  );
}
