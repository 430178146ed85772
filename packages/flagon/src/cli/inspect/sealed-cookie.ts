import type { Buffer } from "node:buffer";
import { standingOf } from "../../backends/decision.ts";
import { sessionEntries } from "../../backends/revocations/sessions.ts";
import { UserRevocations } from "../../backends/revocations/users.ts";
import { GuardedStore } from "../../backends/store/guarded-store.ts";
import type { SessionRecord } from "../../codec.ts";
import { decodeBase64url } from "../../crypto/bytes.ts";
import { HOUR_MS, hourOf, type KeyRing } from "../../crypto/keys.ts";
import { hourIn, keyIdOf } from "../../crypto/seal.ts";
import type { RejectReason } from "../../errors.ts";
import { SEALED_CHARACTERS_MIN } from "../../formats/kinds.ts";
import { sealed } from "../../formats/sealed-cookie.ts";
import { COOKIE_BYTES_MAX } from "../../http/cookie.ts";
import { isFromTheFuture } from "../../state/lifetime.ts";
import { relative, span, timestamp } from "../text.ts";
import type { PastedCookie } from "./cookie-text.ts";
import { anyRequest, type Finding, hex, type InspectionRules, limitsOf, type OpenedSession } from "./finding.ts";

type Told = Omit<Finding, "name" | "bytes" | "format" | "title">;

/** Opens a sealed cookie as far as the secrets go, and says what a server would say, and why. */
export async function tellSealed(
  { name, value }: PastedCookie,
  rules: InspectionRules,
): Promise<Told & { name: string | null }> {
  const bytes = decodeBase64url(value);
  const damage = damageOf(value, bytes);
  if (damage !== null || bytes === null) return { ...refused("malformed", damage ?? ""), name };
  const hour = hourIn(bytes);
  const sealedAt = `It was sealed in the hour from ${timestamp(hour * HOUR_MS)}`;
  const { ring } = rules;
  if (ring === null) {
    const why = `${sealedAt}, with the secret ${hex(keyIdOf(bytes))}. Its secret tells the rest: set SESSION_SECRET, or pass --secret-file or --env-file.`;
    return { verdict: "unchecked", reason: null, why, session: null, name };
  }
  if (ring.find(keyIdOf(bytes)) === undefined) {
    const why = `${sealedAt}, with the secret ${hex(keyIdOf(bytes))}, and what was given is ${rules.keyIds.map(hex).join(", ")}: another environment's, or one that was retired.`;
    return { ...refused("unknown_key", why), name };
  }
  const names = name === null ? rules.names : [name];
  const opened = openUnder(names, value, hour, ring);
  if (opened !== null) return { ...(await tellOpened(opened, bytes, rules)), name: opened.name };
  const elsewhere = openUnder(rules.names, value, hour, ring);
  return { ...refused("forged", elsewhere === null ? forged(names) : renamed(elsewhere.name, name)), name };
}

function forged(names: readonly string[]): string {
  return (
    `The secret is the right one, and yet it does not open as ${names.join(" or ")}. Either it was changed on the way, or it ` +
    "was sealed for another cookie name (--name) or another createSessions({ app }) (--app)."
  );
}

function renamed(sealedFor: string, name: string | null): string {
  return `It was sealed for the cookie ${sealedFor}; as ${name} it opens nowhere.`;
}

interface Opened {
  readonly name: string;
  /** Null for bytes that no version of Flagon that is known here sealed. */
  readonly record: SessionRecord | null;
}

/** Opens it whatever its age, as the server's own codec does: the hour that it names is taken for now. */
function openUnder(names: readonly string[], value: string, hour: number, keys: KeyRing): Opened | null {
  const now = (): number => hour * HOUR_MS;
  const format = sealed.bind({ keys, now, longestLifetimeMs: HOUR_MS, cacheSize: 0 });
  for (const name of names) {
    const opened = format.open(value, name, anyRequest);
    if (typeof opened !== "string") return { name, record: opened };
    if (opened === "unreadable") return { name, record: null };
  }
  return null;
}

async function tellOpened({ record }: Opened, bytes: Buffer, rules: InspectionRules): Promise<Told> {
  if (record === null) return refused("unreadable", "It opens, but holds nothing that this version of Flagon wrote.");
  const index = rules.keyIds.indexOf(keyIdOf(bytes));
  const secret = { index, count: rules.keyIds.length, keyId: hex(keyIdOf(bytes)) };
  const session: OpenedSession = { record, secret, ...limitsOf(record, rules.lifetimes), row: null };
  const hour = hourIn(bytes);
  const isHourOut = hour > hourOf(rules.now) + 1 || hour < hourOf(rules.now - rules.lifetimes.longestMs);
  const limit = limitOf(session, rules) ?? (isHourOut ? tooOld() : null) ?? (await endedEarly(record, rules));
  return limit === null
    ? { verdict: "accepted", reason: null, why: "", session }
    : { ...refused(limit.reason, limit.why), session };
}

/** Why the session's clocks rule it out now; null when they don't. */
export function limitOf(
  { record, idleEndsAt, absoluteEndsAt }: OpenedSession,
  { now }: InspectionRules,
): { reason: RejectReason; why: string } | null {
  if (isFromTheFuture(record, now)) {
    const ahead = Math.max(record.createdAt ?? 0, record.renewedAt) - now;
    return { reason: "from_the_future", why: `Its clock is ${span(ahead)} ahead of this machine's.` };
  }
  const idle = idleEndsAt ?? Number.POSITIVE_INFINITY;
  const absolute = absoluteEndsAt ?? Number.POSITIVE_INFINITY;
  if (Math.min(idle, absolute) > now) return null;
  const why =
    idle < absolute
      ? `Its idle limit passed ${relative(idle, now)}: nobody used it in time.`
      : `Its absolute limit passed ${relative(absolute, now)}.`;
  return { reason: "expired", why };
}

function tooOld(): { reason: RejectReason; why: string } {
  return { reason: "hour", why: "The hour it was sealed in is further away than any session lasts." };
}

async function endedEarly(record: SessionRecord, { store, now }: InspectionRules): Promise<ReturnType<typeof limitOf>> {
  if (store === null) return null;
  const guarded = new GuardedStore(store, 5_000);
  const found = await sessionEntries(guarded, () => now).read(record.id);
  const isOver = await new UserRevocations(guarded, () => now).find(record.userId);
  if (found !== null && standingOf(record, found.entry, now) !== "opens") {
    const how = found.entry.end === null ? "A rotation or a new login gave it another cookie" : "It was ended";
    return { reason: "ended", why: `${how} ${relative(found.entry.changedAt, now)}.` };
  }
  return isOver?.(record) ? { reason: "ended", why: "Its user was signed out everywhere since that sign-in." } : null;
}

function damageOf(value: string, bytes: Buffer | null): string | null {
  if (/%[0-9A-Fa-f]{2}/.test(value))
    return "It was percent-encoded on the way; a session cookie has none of what that changes.";
  const odd = /[^A-Za-z0-9_-]/.exec(value);
  if (odd !== null)
    return `It holds ${JSON.stringify(odd[0])} at character ${odd.index + 1}, which no session cookie has.`;
  if (value.length > COOKIE_BYTES_MAX) return "It is longer than browsers keep.";
  if (value.length < SEALED_CHARACTERS_MIN) {
    return `It is cut off: ${value.length} characters, and the shortest has ${SEALED_CHARACTERS_MIN}.`;
  }
  return bytes === null ? "Its last character was changed, or it is cut off." : null;
}

export function refused(reason: RejectReason, why: string): Told {
  return { verdict: "refused", reason, why, session: null };
}
