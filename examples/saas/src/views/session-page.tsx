import type { FC } from "hono/jsx";
import type { Clock } from "../lib/clock.ts";
import { cookieBytesMax, type SentCookie } from "../lib/session-cookie.ts";
import { numberText } from "../lib/words.ts";
import { Countdowns } from "./countdowns.tsx";
import { Field } from "./forms.tsx";

export interface SessionPageProblems {
  readonly key?: string;
  readonly value?: string;
  readonly message?: string;
}

interface SessionPageProps {
  readonly entries: readonly (readonly [key: string, value: unknown])[];
  /** Null for a visitor who carries no session. */
  readonly cookie: SentCookie | null;
  readonly clock: Clock | null;
  readonly id: string | null;
  readonly permanent: boolean;
  readonly username: string | null;
  /** Where the session's values are, in words. */
  readonly place: string;
  readonly problems: SessionPageProblems;
  readonly typed: { readonly key: string; readonly value: string };
}

export const SessionPage: FC<SessionPageProps> = (props) => (
  <>
    <div class="page-head">
      <h1>Your session</h1>
      <p class="lead">
        {props.username === null
          ? "It works without a sign-in, too. What you keep here stays yours when you sign in."
          : "What you keep here comes back with your next request, and is gone when you sign out."}
      </p>
    </div>
    <Cookie {...props} />
    {props.clock && <Countdowns clock={props.clock} />}
    <div class="columns columns-wide">
      <Values {...props} />
      <FlashForm problem={props.problems.message ?? null} />
    </div>
  </>
);

const Cookie: FC<SessionPageProps> = ({ cookie, id, permanent, place }) => (
  <section class="card cookie" aria-labelledby="cookie-title">
    <div class="cookie-head">
      <h2 id="cookie-title">The cookie</h2>
      <p class="cookie-bytes">
        <strong data-cookie-bytes>{numberText(cookie?.bytes ?? 0)}</strong> of {numberText(cookieBytesMax)} bytes
      </p>
    </div>
    <Gauge bytes={cookie?.bytes ?? 0} />
    {cookie === null ? (
      <p class="empty">There is none. A visitor gets a cookie with the first value that is kept.</p>
    ) : (
      <dl class="facts facts-row">
        <div>
          <dt>Name</dt>
          <dd>
            <code>{cookie.name}</code>
          </dd>
        </div>
        <div>
          <dt>Stays in the browser</dt>
          <dd>{permanent ? "Also after it is closed" : "Until it is closed"}</dd>
        </div>
        <div>
          <dt>Values are in</dt>
          <dd>{place}</dd>
        </div>
        <div>
          <dt>Session id</dt>
          <dd>
            <code>{id}</code>
          </dd>
        </div>
      </dl>
    )}
  </section>
);

/** The meter is for screen readers; browsers draw it each in its own way, so the bar is drawn beside it. */
const Gauge: FC<{ bytes: number }> = ({ bytes }) => (
  <>
    <meter
      class="visually-hidden"
      min={0}
      max={cookieBytesMax}
      value={bytes}
      aria-label="Bytes of the cookie in use"
      data-cookie-meter
    />
    <svg class="gauge" width="100%" height="12" aria-hidden="true">
      <rect class="gauge-track" width="100%" height="12" />
      <rect class="gauge-value" width={`${(100 * bytes) / cookieBytesMax}%`} height="12" data-cookie-bar />
    </svg>
  </>
);

const Values: FC<SessionPageProps> = ({ entries, problems, typed }) => (
  <section class="card" aria-labelledby="values">
    <h2 id="values">What it holds</h2>
    {entries.length === 0 ? (
      <p class="empty">Nothing yet. Keep a value, and it shows here.</p>
    ) : (
      <table class="values">
        <thead>
          <tr>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col">
              <span class="visually-hidden">Take out</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map(([key, value]) => (
            <tr>
              <th scope="row">
                <code>{key}</code>
              </th>
              <td>
                <code>{JSON.stringify(value)}</code>
              </td>
              <td>
                <form method="post" action="/session/pop">
                  <input type="hidden" name="key" value={key} />
                  <button class="button button-small button-quiet" type="submit" aria-label={`Pop ${key}`}>
                    Pop
                  </button>
                </form>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    )}
    <form class="set-form" method="post" action="/session/set">
      <Field
        label="Key"
        name="key"
        value={typed.key}
        maxlength={64}
        problem={problems.key ?? null}
        autocomplete="off"
      />
      <Field
        label="Value"
        name="value"
        value={typed.value}
        maxlength={4_000}
        problem={problems.value ?? null}
        autocomplete="off"
      />
      <button class="button" type="submit">
        Set
      </button>
    </form>
    <div class="row-actions">
      <form method="post" action="/session/count">
        <button class="button button-small button-quiet" type="submit">
          Count one up
        </button>
      </form>
      {entries.length > 0 && (
        <form method="post" action="/session/clear">
          <button class="button button-small button-danger" type="submit">
            Clear everything
          </button>
        </form>
      )}
    </div>
  </section>
);

const FlashForm: FC<{ problem: string | null }> = ({ problem }) => (
  <section class="card" aria-labelledby="flash-title">
    <h2 id="flash-title">Leave a flash message</h2>
    <p class="hint">It shows on the next page, once, and is gone from the session with that.</p>
    <form method="post" action="/session/flash">
      <Field label="Message" name="message" maxlength={200} problem={problem} autocomplete="off" />
      <fieldset class="choices">
        <legend>Category</legend>
        {["info", "success", "warning", "error"].map((category, index) => (
          <label class={`choice choice-${category}`}>
            <input type="radio" name="category" value={category} checked={index === 0} />
            <span>{category}</span>
          </label>
        ))}
      </fieldset>
      <button class="button" type="submit">
        Flash
      </button>
    </form>
  </section>
);
