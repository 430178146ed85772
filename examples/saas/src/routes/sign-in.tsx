import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Guesser } from "../accounts/attempts.ts";
import { checkPassword, hashPassword, isOutdated } from "../accounts/passwords.ts";
import type { User } from "../accounts/users.ts";
import { type AppContext, type AppEnv, clientAddress } from "../context.ts";
import { lifetimeOf } from "../lib/clock.ts";
import { readForm } from "../lib/form.ts";
import { safeNext } from "../lib/next.ts";
import { durationText, waitText } from "../lib/words.ts";
import { Field, FormCard, Notice } from "../views/forms.tsx";
import { page } from "../views/page.tsx";

export const signIn = new Hono<AppEnv>();

signIn.get("/sign-in", (c) => {
  const next = safeNext(c.req.query("next"));
  // The countdown of a page left open comes here too; where another tab kept the session alive, it just goes on.
  if (c.get("user")) return c.redirect(next, 303);
  return form(c, { next, notice: endedText(c) });
});

signIn.post("/sign-in", async (c) => {
  const field = await readForm(c);
  const username = field("username");
  const permanent = field("keep") === "on";
  const next = safeNext(field("next"));

  const { users, knownDevices } = c.get("services");
  const user = users.byName(username);
  const device = user && (await knownDevices.find(c, user.id));
  const guesser: Guesser = device
    ? { kind: "device", id: device }
    : { kind: "stranger", username, address: clientAddress(c) };
  const outcome = await checkGuess(c, guesser, user, field("password"));
  if (outcome.user === null) return form(c, { username, permanent, next, ...outcome });

  await knownDevices.remember(c, outcome.user.id);
  const session = c.get("session");
  session.login(outcome.user.id, { permanent });
  session.flash(`Welcome back, ${outcome.user.username}.`, "success");
  return c.redirect(next, 303);
});

signIn.post("/sign-out", (c) => {
  const session = c.get("session");
  const wasSignedIn = session.userId !== null;
  session.logout();
  if (wasSignedIn) session.flash("You are signed out.", "info");
  return c.redirect("/", 303);
});

type Outcome = { readonly user: User } | { readonly user: null; readonly wrong?: true; readonly wait?: number };

/** Whether this is the user's password. No user has the same answer, and the same work, as a wrong password. */
export async function checkGuess(
  c: AppContext,
  guesser: Guesser,
  user: User | null,
  password: string,
): Promise<Outcome> {
  const { attempts, users } = c.get("services");
  const wait = await attempts.take(guesser);
  if (wait !== null) return { user: null, wait };
  const isRight = await checkPassword(user?.passwordHash ?? null, password);
  if (user === null || !isRight) return { user: null, wrong: true };
  await attempts.succeeded(guesser);
  if (isOutdated(user.passwordHash)) users.setPassword(user.id, await hashPassword(password));
  return { user };
}

export function waitNotice(wait: number): string {
  return `Too many tries. Wait ${waitText(wait)}, then try again.`;
}

/** Why the visitor is asked to sign in again, for one whose session has ended. */
function endedText(c: AppContext): string | null {
  const { idle, absolute } = lifetimeOf(c.get("services").config, c.req.query("kept") === "1");
  switch (c.req.query("ended")) {
    case "idle":
      return `You were signed out after ${durationText(idle)} of inactivity. Sign in to go on where you were.`;
    case "limit":
      return `You were signed out: a sign-in lasts ${durationText(absolute)} at most. Sign in to go on where you were.`;
    case "elsewhere":
      return "You were signed out in another tab or on another device. Sign in to go on where you were.";
    case "gone":
      return "Your session has ended. Sign in to go on where you were.";
    default:
      return null;
  }
}

interface FormState {
  readonly username?: string;
  readonly permanent?: boolean;
  readonly next: string;
  readonly notice?: string | null;
  readonly wrong?: boolean;
  readonly wait?: number;
}

function form(c: AppContext, state: FormState) {
  const status = state.wait !== undefined ? 429 : state.wrong ? 422 : 200;
  if (state.wait !== undefined) c.header("retry-after", String(state.wait));
  const keepFor = durationText(c.get("services").config.permanentLifetime.idle);
  return page(
    c,
    { title: status === 200 ? "Sign in" : "Error: sign in", status },
    <SignInForm state={state} keepFor={keepFor} />,
  );
}

const SignInForm: FC<{ state: FormState; keepFor: string }> = ({ state, keepFor }) => (
  <FormCard
    title="Sign in"
    foot={
      <>
        New here? <a href="/sign-up">Create an account</a>
      </>
    }
  >
    {state.notice && <Notice kind="info">{state.notice}</Notice>}
    {state.wrong && (
      <Notice kind="error">That name and password don’t belong together. Check both, and try again.</Notice>
    )}
    {state.wait !== undefined && <Notice kind="error">{waitNotice(state.wait)}</Notice>}
    <form method="post" action="/sign-in">
      <input type="hidden" name="next" value={state.next} />
      <Field
        label="Name"
        name="username"
        value={state.username ?? ""}
        autocomplete="username"
        autofocus={!state.username}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="current-password"
        autofocus={Boolean(state.username)}
      />
      <div class="check">
        <input type="checkbox" id="keep" name="keep" aria-describedby="keep-hint" checked={state.permanent === true} />
        <label for="keep">Keep me signed in</label>
        <p class="hint" id="keep-hint">
          On this device, until you stay away for {keepFor}. Leave it out on a shared one.
        </p>
      </div>
      <button class="button button-wide" type="submit">
        Sign in
      </button>
    </form>
  </FormCard>
);
