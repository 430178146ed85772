import type { Flash } from "flagon";
import type { Child, FC } from "hono/jsx";
import { assetPath } from "../lib/assets.ts";
import type { Clock } from "../lib/clock.ts";
import { Icon, type IconName } from "./icons.tsx";

/** What the page around the content shows of the visitor; null where the session could not be asked. */
export interface Visitor {
  readonly username: string | null;
  readonly flashes: readonly Flash[];
  readonly clock: Clock | null;
  /**
   * Where the page goes by itself when the session has ended: by idleness, at its limit, or on another device. Null: it
   * stays.
   */
  readonly ends: { readonly idle: string; readonly limit: string; readonly elsewhere: string } | null;
  /** Where the page hears of other devices, and that this one was signed out; null: nowhere. */
  readonly live: string | null;
}

interface LayoutProps {
  readonly title: string;
  readonly path: string;
  readonly visitor: Visitor | null;
  readonly children?: Child;
}

export const Layout: FC<LayoutProps> = ({ title, path, visitor, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{`${title} · Flagon`}</title>
      <link rel="icon" href={assetPath("icon.svg")} type="image/svg+xml" />
      <link rel="stylesheet" href={assetPath("app.css")} />
      <script type="module" src={assetPath("app.js")} />
    </head>
    <body {...clockAttributes(visitor)}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header path={path} visitor={visitor} />
      <main id="content" tabindex={-1}>
        <Flashes flashes={visitor?.flashes ?? []} />
        {children}
      </main>
      <footer class="site-footer">
        <p>
          An example app on <strong>Flagon</strong>, sessions for TypeScript servers.
        </p>
      </footer>
      {visitor?.ends && <EndingSoon />}
    </body>
  </html>
);

const Header: FC<{ path: string; visitor: Visitor | null }> = ({ path, visitor }) => (
  <header class="site-header">
    <div class="site-header-row">
      <a class="brand" href="/" aria-label="Flagon, home">
        <Icon name="jug" />
        <span>Flagon</span>
      </a>
      <nav class="site-nav" aria-label="Main">
        <NavLink href="/" path={path}>
          Home
        </NavLink>
        <NavLink href="/session" path={path}>
          Session
        </NavLink>
        {visitor?.username && (
          <>
            <NavLink href="/devices" path={path}>
              Devices
            </NavLink>
            <NavLink href="/settings" path={path}>
              Settings
            </NavLink>
          </>
        )}
      </nav>
      {visitor && <Account username={visitor.username} path={path} />}
    </div>
  </header>
);

const NavLink: FC<{ href: string; path: string; children?: Child }> = ({ href, path, children }) => (
  <a href={href} {...(path === href ? { "aria-current": "page" } : {})}>
    {children}
  </a>
);

const Account: FC<{ username: string | null; path: string }> = ({ username, path }) =>
  username === null ? (
    <div class="account">
      {path !== "/sign-in" && <a href="/sign-in">Sign in</a>}
      {path !== "/sign-up" && (
        <a class="button button-small" href="/sign-up">
          Sign up
        </a>
      )}
    </div>
  ) : (
    <div class="account">
      <span class="account-name" title={username}>
        {username}
      </span>
      <form method="post" action="/sign-out">
        <button class="button button-small button-quiet" type="submit">
          Sign out
        </button>
      </form>
    </div>
  );

const flashLooks: Record<string, { icon: IconName; word: string }> = {
  success: { icon: "success", word: "Done" },
  warning: { icon: "warning", word: "Warning" },
  error: { icon: "error", word: "Error" },
};

/** app.js puts each text in again once the page is up: a screen reader speaks what changes, not what was there. */
const Flashes: FC<{ flashes: readonly Flash[] }> = ({ flashes }) => (
  <div class="flashes">
    {flashes.map(({ message, category }) => {
      const { icon, word } = flashLooks[category] ?? { icon: "info" as const, word: "Note" };
      return (
        <div class={`flash flash-${icon}`} role={icon === "error" ? "alert" : "status"} data-flash={category}>
          <Icon name={icon} />
          <p>
            <span class="visually-hidden">{`${word}: `}</span>
            {message}
          </p>
        </div>
      );
    })}
  </div>
);

/** Shown by app.js shortly before the end, with time left to act (WCAG 2.2.1). */
const EndingSoon: FC = () => (
  <section class="ending" aria-label="Your session" data-ending hidden>
    <p>
      <span role="alert" data-ending-text /> <span class="ending-time" data-ending-time />
    </p>
    <button class="button button-small" type="button" data-stay>
      Stay signed in
    </button>
  </section>
);

function clockAttributes(visitor: Visitor | null): Record<string, string> {
  if (!visitor?.clock) return {};
  const { now, idleEndsAt, endsAt, idleMs } = visitor.clock;
  return {
    "data-now": String(now),
    "data-idle-ends-at": String(idleEndsAt),
    "data-ends-at": String(endsAt),
    "data-idle-ms": String(idleMs),
    ...(visitor.ends && {
      "data-idle-href": visitor.ends.idle,
      "data-limit-href": visitor.ends.limit,
      "data-elsewhere-href": visitor.ends.elsewhere,
    }),
    ...(visitor.live && { "data-live": visitor.live }),
  };
}
