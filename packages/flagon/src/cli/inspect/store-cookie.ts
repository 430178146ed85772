import { identityOf } from "../../backends/backend.ts";
import { standingOf } from "../../backends/decision.ts";
import { GuardedStore } from "../../backends/store/guarded-store.ts";
import { decodeBase64url } from "../../crypto/bytes.ts";
import type { KeyRing } from "../../crypto/keys.ts";
import { keyIdOf } from "../../crypto/seal.ts";
import type { RejectReason } from "../../errors.ts";
import { ID_COOKIE_CHARACTERS, readIdCookie, sessionNamedIn } from "../../formats/id-cookie.ts";
import { publicId } from "../../formats/public-id.ts";
import { openRow } from "../../formats/row-data.ts";
import { relative } from "../text.ts";
import type { PastedCookie } from "./cookie-text.ts";
import { type Finding, hex, type InspectionRules, limitsOf, type OpenedSession } from "./finding.ts";
import { limitOf, refused } from "./sealed-cookie.ts";

type Named = ReturnType<typeof sessionNamedIn>;
type Told = Omit<Finding, "bytes" | "format" | "title">;

/** Checks the MAC of a store's cookie, and looks its session up where the store is known. */
export async function tellStore({ name, value }: PastedCookie, rules: InspectionRules): Promise<Told> {
  const bytes = decodeBase64url(value);
  if (bytes === null || value.length !== ID_COOKIE_CHARACTERS) {
    return {
      ...refused(
        "malformed",
        `A store's cookie has ${ID_COOKIE_CHARACTERS} characters of base64url, and this has ${value.length}.`,
      ),
      name,
    };
  }
  const named = sessionNamedIn(bytes);
  const id = publicId(named);
  const { ring } = rules;
  if (ring === null) {
    const why = `It names the session ${id}, signed with the secret ${hex(keyIdOf(bytes))}. Set SESSION_SECRET, or pass --secret-file or --env-file, to have it checked.`;
    return { verdict: "unchecked", reason: null, why, session: null, name };
  }
  if (ring.find(keyIdOf(bytes)) === undefined) {
    const why = `It names the session ${id}, signed with the secret ${hex(keyIdOf(bytes))}, and what was given is ${rules.keyIds.map(hex).join(", ")}.`;
    return { ...refused("unknown_key", why), name };
  }
  const names = name === null ? rules.names : [name];
  const signedFor = names.find((candidate) => readIdCookie(value, candidate, ring) !== null);
  if (signedFor === undefined) return { ...refused("forged", forged(value, name, rules)), name };
  return { ...(await tellRow(named, ring, rules)), name: signedFor };
}

function forged(value: string, name: string | null, { ring, names }: InspectionRules): string {
  const other = names.find((candidate) => ring !== null && readIdCookie(value, candidate, ring) !== null);
  if (other !== undefined) return `It was signed for the cookie ${other}; as ${name} it is good nowhere.`;
  return (
    "The secret is the right one, and its MAC is wrong: it was changed, or signed for another cookie name (--name) or " +
    "another createSessions({ app }) (--app)."
  );
}

async function tellRow(named: Named, ring: KeyRing, rules: InspectionRules): Promise<Omit<Told, "name">> {
  const id = publicId(named);
  if (rules.store === null) {
    const why = `It names the session ${id}, and its MAC is good. Whether that session lives, only the store knows: pass --store.`;
    return { verdict: "genuine", reason: null, why, session: null };
  }
  const row = await new GuardedStore(rules.store, 5_000).read(named.id);
  if (row === null) return refused("unknown_id", `The store has no session ${id}: it expired, or was ended.`);
  if (row.data === null) return refused("ended", `The session ${id} was ended ${relative(row.lastSeenAt, rules.now)}.`);
  const record = openRow(row, ring, rules.now, Number.POSITIVE_INFINITY);
  if (record === null)
    return refused("unknown_key", `The row of the session ${id} was sealed with a secret that was not given.`);
  if (standingOf(named, identityOf(record), rules.now) !== "opens") {
    return refused(
      "ended",
      `A rotation or a sign-in gave the session another cookie ${relative(record.rotatedAt, rules.now)}.`,
    );
  }
  const session: OpenedSession = {
    record,
    secret: null,
    ...limitsOf(record, rules.lifetimes),
    row: { version: row.version, device: row.device },
  };
  const limit: { reason: RejectReason; why: string } | null = limitOf(session, rules);
  return limit === null
    ? { verdict: "accepted", reason: null, why: "", session }
    : { ...refused(limit.reason, limit.why), session };
}
