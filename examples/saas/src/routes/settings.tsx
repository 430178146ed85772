import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { hashPassword, passwordProblem } from "../accounts/passwords.ts";
import type { User } from "../accounts/users.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { readForm } from "../lib/form.ts";
import { safeNext } from "../lib/next.ts";
import { durationText } from "../lib/words.ts";
import { Field, FormCard, Notice } from "../views/forms.tsx";
import { page } from "../views/page.tsx";
import { isFresh, requireFresh, requireUser } from "./guards.ts";
import { checkGuess, waitNotice } from "./sign-in.tsx";

export const settings = new Hono<AppEnv>();

settings.use("/settings/*", requireUser("/settings"), requireFresh("/settings"));
settings.use("/confirm", requireUser("/settings"));

settings.get("/settings", (c) => settingsPage(c, null));

settings.post("/settings/password", async (c) => {
  const user = c.get("user");
  if (user === null) return c.redirect("/sign-in", 303);
  const password = (await readForm(c))("password");
  const problem = passwordProblem(password, user.username);
  if (problem !== null) return settingsPage(c, problem);

  const { users, backend } = c.get("services");
  const session = c.get("session");
  users.setPassword(user.id, await hashPassword(password));
  // First the others, then a new cookie for this one: whoever holds a copy of any cookie from before has nothing now.
  await backend.sessions.revokeUser(user.id, { except: session.id });
  session.login(user.id, { permanent: session.permanent });
  session.flash("Your password is changed. Other devices are signed out.", "success");
  return c.redirect("/settings", 303);
});

settings.get("/confirm", (c) => {
  const next = safeNext(c.req.query("next"), "/settings");
  return isFresh(c) ? c.redirect(next, 303) : confirmPage(c, next, null);
});

settings.post("/confirm", async (c) => {
  const user = c.get("user");
  if (user === null) return c.redirect("/sign-in", 303);
  const field = await readForm(c);
  const next = safeNext(field("next"), "/settings");
  const session = c.get("session");
  const outcome = await checkGuess(c, { kind: "session", id: session.id }, user, field("password"));
  if (outcome.user === null) return confirmPage(c, next, outcome.wait ?? "wrong");
  session.login(user.id, { permanent: session.permanent });
  return c.redirect(next, 303);
});

function settingsPage(c: AppContext, problem: string | null) {
  const user = c.get("user");
  const status = problem === null ? 200 : 422;
  const title = problem === null ? "Settings" : "Error: settings";
  return page(c, { title, status }, user && <Settings user={user} problem={problem} />);
}

const Settings: FC<{ user: User; problem: string | null }> = ({ user, problem }) => (
  <>
    <div class="page-head">
      <h1>Settings</h1>
    </div>
    <div class="columns">
      <section class="card" aria-labelledby="account">
        <h2 id="account">Account</h2>
        <dl class="facts">
          <dt>Name</dt>
          <dd>{user.username}</dd>
          <dt>Since</dt>
          <dd>
            <time datetime={new Date(user.createdAt).toISOString()} data-local="date">
              {new Date(user.createdAt).toISOString().slice(0, 10)}
            </time>
          </dd>
        </dl>
      </section>
      <section class="card" aria-labelledby="password-title">
        <h2 id="password-title">Change your password</h2>
        <form method="post" action="/settings/password">
          <input type="text" name="username" value={user.username} autocomplete="username" hidden readonly />
          <Field
            label="New password"
            name="password"
            type="password"
            autocomplete="new-password"
            hint="At least 12 characters. A few words together work well."
            problem={problem}
          />
          <button class="button" type="submit">
            Change password
          </button>
        </form>
      </section>
    </div>
  </>
);

function confirmPage(c: AppContext, next: string, failure: number | "wrong" | null) {
  if (typeof failure === "number") c.header("retry-after", String(failure));
  const status = failure === null ? 200 : failure === "wrong" ? 422 : 429;
  const freshFor = durationText(c.get("services").config.freshFor);
  return page(
    c,
    { title: failure === null ? "Confirm it’s you" : "Error: confirm it’s you", status },
    <FormCard
      title="Confirm it’s you"
      intro={`You signed in more than ${freshFor} ago. Before you change anything here, enter your password again.`}
      foot={<a href="/">Not now</a>}
    >
      {typeof failure === "number" && <Notice kind="error">{waitNotice(failure)}</Notice>}
      <form method="post" action="/confirm">
        <input type="hidden" name="next" value={next} />
        <input
          type="text"
          name="username"
          value={c.get("user")?.username ?? ""}
          autocomplete="username"
          hidden
          readonly
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          problem={failure === "wrong" ? "That is not your password." : null}
          autofocus
        />
        <button class="button button-wide" type="submit">
          Go on
        </button>
      </form>
    </FormCard>,
  );
}
