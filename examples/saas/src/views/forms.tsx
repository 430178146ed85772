import type { Child, FC } from "hono/jsx";
import { Icon } from "./icons.tsx";

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly type?: "text" | "password";
  readonly value?: string;
  readonly autocomplete?: string;
  readonly hint?: string | undefined;
  /** What is wrong with what was sent; null when nothing is. */
  readonly problem?: string | null;
  readonly maxlength?: number;
  readonly autofocus?: boolean;
}

export const Field: FC<FieldProps> = ({ label, name, type = "text", hint, problem, autofocus, value, ...rest }) => {
  // What is wrong says more than the hint did, and takes its place.
  const describedBy = problem ? `${name}-problem` : hint ? `${name}-hint` : "";
  return (
    <div class={problem ? "field field-wrong" : "field"}>
      <label for={name}>{label}</label>
      {hint && !problem && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p class="problem" id={`${name}-problem`}>
          <Icon name="error" />
          {problem}
        </p>
      )}
      <div class="field-box">
        <input
          id={name}
          name={name}
          type={type}
          required
          spellcheck={false}
          autocapitalize="none"
          {...(type === "password" ? {} : { value: value ?? "" })}
          {...(problem ? { "aria-invalid": "true" } : {})}
          {...(describedBy ? { "aria-describedby": describedBy } : {})}
          {...(autofocus || problem ? { autofocus: true } : {})}
          {...rest}
        />
        {type === "password" && (
          <button
            class="reveal"
            type="button"
            data-reveal={name}
            aria-pressed="false"
            aria-label="Show the password"
            hidden
          >
            Show
          </button>
        )}
      </div>
    </div>
  );
};

interface NoticeProps {
  readonly kind: "info" | "warning" | "error";
  readonly children?: Child;
}

/** A message that belongs to the page itself; one that was left by an earlier request is a flash. */
export const Notice: FC<NoticeProps> = ({ kind, children }) => (
  <div class={`notice notice-${kind}`} role={kind === "error" ? "alert" : "status"}>
    <Icon name={kind} />
    <p>{children}</p>
  </div>
);

/** A narrow page around one form. */
export const FormCard: FC<{ title: string; intro?: Child; children?: Child; foot?: Child }> = ({
  title,
  intro,
  children,
  foot,
}) => (
  <div class="form-page">
    <h1>{title}</h1>
    {intro && <p class="intro">{intro}</p>}
    <div class="card">{children}</div>
    {foot && <p class="form-foot">{foot}</p>}
  </div>
);
