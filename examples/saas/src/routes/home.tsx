import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { User } from "../accounts/users.ts";
import type { AppEnv } from "../context.ts";
import { type Clock, sessionClock } from "../lib/clock.ts";
import { agoText } from "../lib/words.ts";
import { Countdowns } from "../views/countdowns.tsx";
import { Icon } from "../views/icons.tsx";
import { Jug } from "../views/jug.tsx";
import { page } from "../views/page.tsx";

export const home = new Hono<AppEnv>();

home.get("/", (c) => {
  const user = c.get("user");
  const session = c.get("session");
  if (user === null) return page(c, { title: "Sessions that last" }, <Invitation kept={session.size} />);
  const now = c.get("services").now();
  const since = session.authenticatedAt ?? now;
  return page(c, { title: "Home" }, <Welcome user={user} clock={sessionClock(c)} signedInFor={now - since} />);
});

/** `kept`: how many values the visitor's session holds. */
const Invitation: FC<{ kept: number }> = ({ kept }) => (
  <div class="hero">
    <div class="hero-words">
      <h1>Sessions that last, and end when they should.</h1>
      <p class="lead">
        Make an account and look over Flagon’s shoulder: what your session holds, what its cookie weighs, and how long
        it still runs.
      </p>
      <p class="actions">
        <a class="button" href="/sign-up">
          Create an account
        </a>
        <a class="button button-quiet" href="/sign-in">
          Sign in
        </a>
      </p>
    </div>
    <aside class="card hero-card" aria-labelledby="carry">
      <Jug level={Math.min(1, 0.3 * kept)} />
      <h2 id="carry">{kept > 0 ? "Your session is not empty" : "Nothing is kept for you"}</h2>
      <p>
        {kept > 0
          ? `You are not signed in, but ${kept === 1 ? "one value is" : `${kept} values are`} kept for you, and stay yours when you sign in.`
          : "A visitor with nothing to keep needs no session, and gets no cookie. Keep something, and it appears."}
      </p>
      <a class="onward" href="/session">
        {kept > 0 ? "See what it holds" : "Keep something"}
        <Icon name="arrow" />
      </a>
    </aside>
  </div>
);

const Welcome: FC<{ user: User; clock: Clock | null; signedInFor: number }> = ({ user, clock, signedInFor }) => (
  <>
    <div class="page-head">
      <h1>
        Logged in as <span class="name">{user.username}</span>
      </h1>
      <p class="lead">You signed in {agoText(signedInFor)}.</p>
    </div>
    {clock && <Countdowns clock={clock} />}
    <ul class="link-cards">
      <LinkCard href="/session" title="Your session">
        Keep values in it, take them out, and see what the cookie carries.
      </LinkCard>
      <LinkCard href="/devices" title="Devices">
        See where you are signed in, and sign out what you don’t use.
      </LinkCard>
      <LinkCard href="/settings" title="Settings">
        Change your password. You may be asked for the present one first.
      </LinkCard>
    </ul>
  </>
);

const LinkCard: FC<{ href: string; title: string; children?: string }> = ({ href, title, children }) => (
  <li>
    <a class="card link-card" href={href}>
      <h2>
        {title}
        <Icon name="arrow" />
      </h2>
      <p>{children}</p>
    </a>
  </li>
);
