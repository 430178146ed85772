import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { hashPassword, passwordProblem } from "../accounts/passwords.ts";
import { usernameProblem } from "../accounts/users.ts";
import { type AppContext, type AppEnv, clientAddress } from "../context.ts";
import { readForm } from "../lib/form.ts";
import { waitText } from "../lib/words.ts";
import { Field, FormCard, Notice } from "../views/forms.tsx";
import { page } from "../views/page.tsx";

export const signUp = new Hono<AppEnv>();

signUp.get("/sign-up", (c) => (c.get("user") ? c.redirect("/", 303) : form(c, {})));

signUp.post("/sign-up", async (c) => {
  const field = await readForm(c);
  const username = field("username");
  const password = field("password");
  const problems = { username: usernameProblem(username), password: passwordProblem(password, username) };
  if (problems.username !== null || problems.password !== null) return form(c, { username, problems });

  // That a name is taken has to be said, but only to who sends a form that would have worked, and thirty times an hour.
  const { users, signUps, knownDevices } = c.get("services");
  const wait = await signUps.take(clientAddress(c));
  if (wait !== null) return form(c, { username, wait });
  const user = users.add(username, await hashPassword(password));
  if (user === null) return form(c, { username, problems: { username: "This name is taken.", password: null } });

  await knownDevices.remember(c, user.id);
  const session = c.get("session");
  session.login(user.id);
  session.flash(`Welcome, ${user.username}. Your account is ready.`, "success");
  return c.redirect("/", 303);
});

interface FormState {
  readonly username?: string;
  readonly problems?: { readonly username: string | null; readonly password: string | null };
  /** Seconds until the next try. */
  readonly wait?: number;
}

function form(c: AppContext, { username = "", problems, wait }: FormState) {
  const status = wait !== undefined ? 429 : problems ? 422 : 200;
  if (wait !== undefined) c.header("retry-after", String(wait));
  return page(
    c,
    { title: status === 200 ? "Create an account" : "Error: create an account", status },
    <SignUpForm username={username} problems={problems ?? { username: null, password: null }} wait={wait ?? null} />,
  );
}

const SignUpForm: FC<Required<Omit<FormState, "wait">> & { wait: number | null }> = ({ username, problems, wait }) => (
  <FormCard
    title="Create an account"
    foot={
      <>
        Have one already? <a href="/sign-in">Sign in</a>
      </>
    }
  >
    {wait !== null && (
      <Notice kind="error">Many accounts were made from your network just now. Try again in {waitText(wait)}.</Notice>
    )}
    <form method="post" action="/sign-up">
      <Field
        label="Name"
        name="username"
        value={username}
        autocomplete="username"
        maxlength={32}
        problem={problems.username}
        autofocus={problems.password === null}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        hint="At least 12 characters. A few words together work well."
        problem={problems.password}
      />
      <button class="button button-wide" type="submit">
        Create account
      </button>
    </form>
  </FormCard>
);
