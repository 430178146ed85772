import type { OpenRequest, SessionRecord } from "../../codec.ts";
import type { KeyRing } from "../../crypto/keys.ts";
import type { RejectReason } from "../../errors.ts";
import type { Lifetimes } from "../../state/lifetime.ts";
import type { Store } from "../../store.ts";

/**
 * accepted: a server with these options takes it. genuine: signed by this secret, and only the store knows the rest.
 * refused: a server opens a new session instead. unchecked: without the secret nobody can tell.
 */
export type Verdict = "accepted" | "genuine" | "refused" | "unchecked";

/** What was found out about one cookie. */
export interface Finding {
  /** As it was pasted, or the one it was sealed for; null for a bare value that did not open. */
  readonly name: string | null;
  /** Name and value together, as browsers count. */
  readonly bytes: number;
  readonly format: string;
  /** What it is, for a headline. */
  readonly title: string;
  readonly verdict: Verdict;
  /** The code in a `flagon:reject` event; "foreign" for another library's cookie. Null when it is not refused. */
  readonly reason: RejectReason | "foreign" | "deleted" | null;
  /** Why, in a sentence or two; empty when there is nothing to say. */
  readonly why: string;
  /** What is known of the session, also where it is refused: an expired one still opens here. */
  readonly session: OpenedSession | null;
}

export interface OpenedSession {
  readonly record: SessionRecord;
  /** Which of the secrets opened it, from 0; null where none was needed. */
  readonly secret: { readonly index: number; readonly count: number; readonly keyId: string } | null;
  /** Milliseconds since 1970; null where the format has no such limit. */
  readonly idleEndsAt: number | null;
  readonly absoluteEndsAt: number | null;
  /** What the store's row says, for a session that lives there. */
  readonly row: { readonly version: number; readonly device: string | null } | null;
}

/** What cookies are held against. */
export interface InspectionRules {
  readonly ring: KeyRing | null;
  /** The ids of the ring's secrets, in its order. */
  readonly keyIds: readonly number[];
  /** Names that the app may have sealed for, likeliest first. */
  readonly names: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly now: number;
  /** Where sessions live, or what ends sealed cookies early. */
  readonly store: Store | null;
}

/** A key's id as eight hexadecimal digits. No secret: every cookie says it in the clear. */
export function hex(keyId: number): string {
  return keyId.toString(16).padStart(8, "0");
}

/** The session's two limits under the rules, apart from each other. */
export function limitsOf(
  record: SessionRecord,
  lifetimes: Lifetimes,
): Pick<OpenedSession, "idleEndsAt" | "absoluteEndsAt"> {
  const { createdAt, renewedAt } = record;
  return {
    idleEndsAt: lifetimes.expiresAt({ ...record, createdAt: Number.POSITIVE_INFINITY }),
    absoluteEndsAt: lifetimes.expiresAt({
      ...record,
      createdAt: createdAt ?? renewedAt,
      renewedAt: Number.POSITIVE_INFINITY,
    }),
  };
}

/** For formats that look at the request too; here there is none. */
export const anyRequest: OpenRequest = { method: "GET", url: "http://localhost/", header: () => null };
