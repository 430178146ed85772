import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppContext } from "../context.ts";
import { sessionClock } from "../lib/clock.ts";
import { Layout, type Visitor } from "./layout.tsx";

interface PageOptions {
  readonly title: string;
  readonly status?: ContentfulStatusCode;
}

/** Answers with a whole page, and shows the flashes that wait. */
export function page(c: AppContext, { title, status = 200 }: PageOptions, content: Child) {
  return render(c, title, status, visitorOf(c), content);
}

/** Answers without a look at the session, for when that is what failed. */
export function plainPage(c: AppContext, { title, status = 500 }: PageOptions, content: Child) {
  return render(c, title, status, null, content);
}

function render(c: AppContext, title: string, status: ContentfulStatusCode, visitor: Visitor | null, content: Child) {
  const document = (
    <Layout title={title} path={c.req.path} visitor={visitor}>
      {content}
    </Layout>
  );
  return c.html(html`<!doctype html>${document}`, status);
}

function visitorOf(c: AppContext): Visitor {
  const session = c.get("session");
  const user = c.get("user");
  // A form that came back with a problem has an address that nobody can go to.
  const next = `next=${encodeURIComponent(c.req.method === "GET" ? c.req.path : "/")}`;
  const kept = session.permanent ? "&kept=1" : "";
  return {
    username: user?.username ?? null,
    flashes: session.flashes(),
    clock: sessionClock(c),
    ends: user && {
      idle: `/sign-in?ended=idle${kept}&${next}`,
      limit: `/sign-in?ended=limit${kept}&${next}`,
      elsewhere: `/sign-in?ended=elsewhere&${next}`,
    },
    live: user && c.get("services").backend.lists ? "/live" : null,
  };
}
