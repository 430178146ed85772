import type { Child, FC } from "hono/jsx";

export interface MessagePageProps {
  readonly title: string;
  /** Where to go from here. */
  readonly action: { readonly href: string; readonly label: string };
  readonly children?: Child;
}

/** A page that says one thing. */
export const MessagePage: FC<MessagePageProps> = ({ title, action, children }) => (
  <div class="message-page">
    <h1>{title}</h1>
    <p class="lead">{children}</p>
    <a class="button" href={action.href}>
      {action.label}
    </a>
  </div>
);
