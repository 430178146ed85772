import { readFileSync } from "node:fs";
import type { HttpBindings } from "@hono/node-server";
import { SessionError, type Sessions } from "flagon";
import { type SessionEnv, session } from "flagon/hono";
import { type Context, Hono } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { page, parts, type View, waitingPage } from "./page.ts";
import { rowIdOf, type State, slotOf, type Wish } from "./state.ts";

interface Parts {
  /** This instance's name. */
  readonly name: string;
  readonly sessions: Sessions;
  /** How all the others are, for the page alone: the app itself needs to know none of them. */
  readonly state: () => State;
  /** Resolves when the wish is granted. */
  readonly grant: (wish: Wish) => Promise<void>;
}

interface Env extends SessionEnv {
  Bindings: HttpBindings;
}

export function createApp({ name, sessions, state, grant }: Parts): Hono<Env> {
  const app = new Hono<Env>();
  app.use(headers);
  app.use(async (c, next) => {
    await next();
    c.header("x-instance", name);
  });
  app.get("/style.css", (c) => c.body(style, 200, { "content-type": "text/css", "cache-control": "max-age=60" }));
  app.get("/page.js", (c) => c.body(script, 200, { "content-type": "text/javascript", "cache-control": "max-age=60" }));
  app.use(session(sessions));

  app.get("/", (c) => c.html(page(viewOf(c))));

  app.post("/sign-in", async (c) => {
    const form = await c.req.formData();
    const person = String(form.get("name") ?? "").trim();
    if (person !== "") c.get("session").login(person.slice(0, 40));
    return c.redirect("/", 303);
  });

  app.post("/sign-out", (c) => {
    c.get("session").logout();
    return c.redirect("/", 303);
  });

  app.post("/count", (c) => {
    // Runs again, on the newer value, when a request on another instance was faster: no count is lost between them.
    const count = c.get("session").update("count", (before = 0) => before + 1);
    return c.req.header("accept") === "application/json" ? c.json({ count }) : c.redirect("/", 303);
  });

  // None of these three looks at the session: they are there when it is not. A form on another site still can't send them.
  app.post("/lose-node", async (c) => {
    const slot = Number((await c.req.formData()).get("slot"));
    await grant({ lose: "node", slot });
    return c.redirect("/", 303);
  });

  app.post("/bring-all-back", async (c) => {
    await grant({ bringAllBack: true });
    return c.redirect("/", 303);
  });

  app.post("/lose-instance", async (c) => {
    const wish = { lose: "instance", name: String((await c.req.formData()).get("name")) } as const;
    // It may be this one, and whoever asked wants an answer.
    c.env.outgoing.once("close", () => void grant(wish));
    return c.redirect("/", 303);
  });

  // The parts of an open page that change by themselves.
  app.get("/live", (c) => c.html(parts(viewOf(c))));

  app.onError((error, c) => {
    if (!(error instanceof SessionError)) {
      console.error(error);
      return c.text("Internal Server Error", 500);
    }
    for (const [header, value] of Object.entries(error.headers)) c.header(header, value);
    if (error.status !== 503) return c.text(error.message, 403);
    // An open page says which slot it is about, so that it can show what becomes of it.
    const view: View = { ...outlook(c), session: null };
    if (c.req.path === "/live") return c.html(parts(view), 503);
    // To the page, not to what was asked for: whether to click again is for the person to say.
    c.header("refresh", `${error.headers["retry-after"]}; url=/`);
    return c.html(waitingPage(view), 503);
  });

  function viewOf(c: Context<Env>): View {
    const { userId, id, isNew } = c.get("session");
    const count = c.get("session").get("count") ?? 0;
    const slot = isNew ? null : slotOf(rowIdOf(id));
    return { ...outlook(c), slot, session: { userId, count } };
  }

  /** What is known without the session. A page that is open keeps the name of the instance that it came from. */
  function outlook(c: Context): Omit<View, "session"> {
    const slot = /^\d{1,5}$/.exec(c.req.query("slot") ?? "")?.[0];
    const from = state().instances.find((instance) => instance.name === c.req.query("from"));
    return { ...state(), slot: slot === undefined ? null : Number(slot), from: from?.name ?? name };
  }

  return app;
}

const style = readFileSync(new URL("../public/style.css", import.meta.url), "utf8");
const script = readFileSync(new URL("../public/page.js", import.meta.url), "utf8");

const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["data:"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: "same-origin",
  strictTransportSecurity: false,
});
