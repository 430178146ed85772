import { SessionError } from "flagon";
import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "../context.ts";
import { MessagePage, type MessagePageProps } from "../views/message-page.tsx";
import { page, plainPage } from "../views/page.tsx";

interface Message extends Omit<MessagePageProps, "children"> {
  readonly status: ContentfulStatusCode;
  readonly text: string;
}

const goHome = { href: "/", label: "Go home" } as const;
const tryAgain = { href: "/", label: "Try again" } as const;
const backToSession = { href: "/session", label: "Back to your session" } as const;

export const notFound: NotFoundHandler<AppEnv> = (c) =>
  page(
    c,
    { title: "Not found", status: 404 },
    <MessagePage title="There is nothing here" action={goHome}>
      The address may be old, or have a slip in it.
    </MessagePage>,
  );

/** None of these looks at the session: it may be what failed. */
export const showError: ErrorHandler<AppEnv> = (error, c) => {
  const { title, text, action, status } = messageFor(error);
  if (status >= 500) console.error(error);
  if (error instanceof SessionError && status === error.status) {
    for (const [name, value] of Object.entries(error.headers)) c.header(name, value);
  }
  return plainPage(
    c,
    { title, status },
    <MessagePage title={title} action={action}>
      {text}
    </MessagePage>,
  );
};

function messageFor(error: Error): Message {
  if (error instanceof SessionError) return sessionMessage(error);
  if (error instanceof HTTPException) return formMessage(error);
  return {
    status: 500,
    title: "Something went wrong",
    text: "That was us, not you. Please try again in a moment.",
    action: goHome,
  };
}

function sessionMessage({ code, message }: SessionError): Message {
  switch (code) {
    case "cross_site_request":
      return {
        status: 403,
        title: "This came from another site",
        text: "Another website sent this form, so it was refused, and nothing was changed.",
        action: goHome,
      };
    // Elsewhere a bug of the app; here it is what the visitor asked to keep.
    case "cookie_too_large":
    case "session_too_large":
      return {
        status: 413,
        title: "Your session is full",
        text: `Nothing was changed: the ${message.replace(/; store less.*$/, "")}. Take something out, then try again.`,
        action: backToSession,
      };
    case "session_conflict":
      return {
        status: 503,
        title: "That was too much at once",
        text: "Other requests changed your session at the same moment, so this one changed nothing. Please try again.",
        action: backToSession,
      };
    case "store_corrupt":
      return {
        status: 503,
        title: "We can’t read your session",
        text: "What we kept of it does not open. If that goes on, delete this site’s cookies, and sign in again.",
        action: tryAgain,
      };
    default:
      return {
        status: 503,
        title: "We can’t reach your session",
        text: "If you were signed in, you still are. Please try again in a few seconds.",
        action: tryAgain,
      };
  }
}

/** For a form as none of the pages sends it: see `readForm`. */
function formMessage({ status }: HTTPException): Message {
  switch (status) {
    case 413:
      return {
        status,
        title: "That form was too long",
        text: "A form may bring 64 kB and 50 fields, so nothing was changed.",
        action: goHome,
      };
    case 415:
      return {
        status,
        title: "That was no form",
        text: "This address takes what a form on these pages sends, in UTF-8, so nothing was changed.",
        action: goHome,
      };
    default:
      return {
        status: 400,
        title: "That form can’t be read",
        text: "It did not arrive whole, or was sent in a way that no page here sends it. Nothing was changed: go back, and send it again.",
        action: goHome,
      };
  }
}
