import type { SessionRecord } from "../../codec.ts";
import { SessionError } from "../../errors.ts";
import { emit } from "../../events.ts";
import { publicId } from "../../formats/public-id.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { EntryTable } from "./entries.ts";

/** How many of a user's sessions are remembered one by one. */
const REVOKED_MAX = 100;

/** "Signed in before this moment": those sessions of a user are over, but for the exceptions. */
interface NotBefore {
  /** Milliseconds since 1970. */
  readonly before: number;
  /** Ids, each with the moment of the mark before this one: an exception forgives nothing older. */
  readonly except: readonly (readonly [id: string, floor: number])[];
  /** Ids of sessions that are over if they are this user's, the latest last. */
  readonly revoked?: readonly string[];
}

/** What a mark is held against. A format that knows no time of the sign-in has the session's beginning in its place. */
type SignIn = Pick<SessionRecord, "id" | "authenticatedAt" | "createdAt">;

/** Tells which of a user's sessions are over. */
export type IsOver = (signIn: SignIn) => boolean;

/** What a mark of this moment says that could not be written. */
export function endedUntil(moment: number, except: string | null): IsOver {
  const mark: NotBefore = { before: moment, except: except === null ? [] : [[except, 0]] };
  return (signIn) => isEnded(signIn, mark);
}

/** Which users were signed out everywhere, when, and which of their sessions were spared. */
export class UserRevocations {
  readonly #marks: EntryTable<NotBefore>;

  constructor(store: GuardedStore, now: () => number) {
    this.#marks = new EntryTable(store, now, { prefix: "user:", isEntry: isNotBefore });
  }

  /** Ends every session of the user signed in until `now`, but for the one with this id. Resolves which those are. */
  async end(userId: string, now: number, except: string | null, until: number): Promise<IsOver> {
    const mark = await this.#marks.change(userId, until, (last) => {
      const floor = last?.except.find(([id]) => id === except)?.[1] ?? last?.before ?? 0;
      return { ...last, before: Math.max(now, last?.before ?? 0), except: except === null ? [] : [[except, floor]] };
    });
    return (signIn) => isEnded(signIn, mark);
  }

  /**
   * Ends the session with this id if it is the user's, which nobody can tell who has not seen its cookie. False when it was
   * ended in this way before.
   */
  async revoke(userId: string, id: string, until: number): Promise<boolean> {
    const mark = await this.#marks.change(userId, until, (last) => {
      const { before = 0, except = [], revoked = [] } = last ?? {};
      return revoked.includes(id) ? null : { before, except, revoked: [...revoked, id].slice(-REVOKED_MAX) };
    });
    return mark !== null;
  }

  /** Which of the user's sessions are over for having been signed in too early; null where nobody ever ended any. */
  async find(userId: string | null): Promise<IsOver | null> {
    const mark = userId === null ? null : await this.#marks.read(userId);
    return mark && ((signIn) => isEnded(signIn, mark.entry));
  }
}

/** For a sign-in whose user was signed out everywhere after its request came. */
export function signedOutMeanwhile(record: SessionRecord): SessionError {
  emit("flagon:conflict", () => ({ id: publicId(record), reason: "ended" }));
  return new SessionError(
    "session_conflict",
    "the user's sessions were ended while this sign-in was under way; a request that does both passes revokeUser(userId, { except: session.id })",
  );
}

function isEnded({ id, authenticatedAt, createdAt }: SignIn, mark: NotBefore | null): boolean {
  const signedInAt = authenticatedAt ?? createdAt;
  if (mark?.revoked?.includes(id)) return true;
  if (mark === null || signedInAt === null || signedInAt > mark.before) return false;
  return !mark.except.some(([spared, floor]) => spared === id && signedInAt > floor);
}

function isNotBefore(value: unknown): value is NotBefore {
  const { before, except, revoked = [] } = Object(value) as Record<string, unknown>;
  const isException = (each: unknown): boolean => Array.isArray(each) && Number.isFinite(each[1]);
  return Number.isFinite(before) && Array.isArray(except) && except.every(isException) && Array.isArray(revoked);
}
