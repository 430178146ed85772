import type { SessionRecord } from "../codec.ts";

/** "Signed in before this moment": those sessions of a user are over, but for the exceptions. */
export interface UserMark {
  /** Milliseconds since 1970. */
  readonly before: number;
  /**
   * Ids, each with the moment that the mark before this one drew for it: a session that an earlier mark ended stays so,
   * though a later one names it.
   */
  readonly except: readonly (readonly [id: string, floor: number])[];
}

/** So many exceptions are kept, the latest: each rotation of an excepted session adds one, and the older ids are dead. */
export const EXCEPT_MAX = 20;

export function isUserMark(value: unknown): value is UserMark {
  const { before, except } = Object(value) as Record<string, unknown>;
  const isException = (each: unknown): boolean => Array.isArray(each) && Number.isFinite(each[1]);
  return Number.isFinite(before) && Array.isArray(except) && except.every(isException);
}

/** Whether the mark ends this session. An exception is good for the heirs too. */
export function isBefore(
  { id, family, authenticatedAt }: Pick<SessionRecord, "id" | "family" | "authenticatedAt">,
  { before, except }: UserMark,
): boolean {
  const at = authenticatedAt ?? 0;
  return at < before && !except.some(([each, floor]) => (each === id || each === family) && at >= floor);
}

/** The exceptions of a mark that follows `last`: `ids` are one session's, the one it has and the one it is to have. */
export function withExcepted(last: UserMark | null, ids: readonly string[]): UserMark["except"] {
  const known = (last?.except ?? []).filter(([id]) => ids.includes(id)).map(([, floor]) => floor);
  const floor = known.length > 0 ? Math.min(...known) : (last?.before ?? 0);
  return [...new Set(ids)].map((id) => [id, floor] as const);
}
