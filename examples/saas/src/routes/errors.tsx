import { SessionError } from "flagon";
import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { AppEnv } from "../context.ts";
import { page, plainPage } from "../views/page.tsx";

export const notFound: NotFoundHandler<AppEnv> = (c) =>
  page(
    c,
    { title: "Not found", status: 404 },
    <Message title="There is nothing here" action={{ href: "/", label: "Go home" }}>
      The address may be old, or have a slip in it.
    </Message>,
  );

/** None of these looks at the session: it may be what failed. */
export const showError: ErrorHandler<AppEnv> = (error, c) => {
  if (error instanceof SessionError) {
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
    const { title, text, action, status } = wordsFor(error);
    return plainPage(
      c,
      { title, status },
      <Message title={title} action={action}>
        {text}
      </Message>,
    );
  }
  if (error instanceof HTTPException) return error.getResponse();
  console.error(error);
  return plainPage(
    c,
    { title: "Something went wrong" },
    <Message title="Something went wrong" action={{ href: "/", label: "Go home" }}>
      That was us, not you. Please try again in a moment.
    </Message>,
  );
};

function wordsFor(error: SessionError): MessageWords {
  switch (error.code) {
    case "cross_site_request":
      return {
        status: 403,
        title: "This came from another site",
        text: "Another website sent this form, so it was refused, and nothing was changed.",
        action: { href: "/", label: "Go home" },
      };
    case "cookie_too_large":
      return {
        // Elsewhere a bug of the app; here it is what the visitor asked to keep.
        status: 413,
        title: "That did not fit",
        text: `Nothing was changed: the ${error.message}.`,
        action: { href: "/session", label: "Back to your session" },
      };
    default:
      console.error(error);
      return {
        status: 503,
        title: "We can’t reach your session",
        text: "You are still signed in. Please try again in a few seconds.",
        action: { href: "/", label: "Try again" },
      };
  }
}

interface Action {
  readonly href: string;
  readonly label: string;
}

interface MessageWords {
  readonly status: 403 | 413 | 503;
  readonly title: string;
  readonly text: string;
  readonly action: Action;
}

const Message = ({ title, action, children }: { title: string; action: Action; children?: string }) => (
  <div class="message-page">
    <h1>{title}</h1>
    <p class="lead">{children}</p>
    <a class="button" href={action.href}>
      {action.label}
    </a>
  </div>
);
