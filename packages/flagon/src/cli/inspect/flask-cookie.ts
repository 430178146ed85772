import { Buffer } from "node:buffer";
import type { SessionRecord } from "../../codec.ts";
import { decodeBase64url } from "../../crypto/bytes.ts";
import { KeyRing } from "../../crypto/keys.ts";
import type { RejectReason } from "../../errors.ts";
import { readPayload } from "../../flask/payload.ts";
import { Unreadable } from "../../flask/python-json.ts";
import { splitFields, toPlainValues } from "../../flask/session-fields.ts";
import { readTagged } from "../../flask/tagged-json.ts";
import { flaskCodec } from "../../flask.ts";
import { relative } from "../text.ts";
import type { PastedCookie } from "./cookie-text.ts";
import { anyRequest, type Finding, type InspectionRules, type OpenedSession } from "./finding.ts";
import { flask } from "./foreign-formats.ts";

type Told = Omit<Finding, "name" | "bytes" | "format" | "title">;

/** How long Flask takes a session, from its last write, unless told otherwise. */
const MAX_AGE_SECONDS = 31 * 86_400;

const why: Partial<Record<RejectReason, string>> = {
  forged: "Its signature is not by this SECRET_KEY, or it was changed.",
  malformed: "It is not spelled as Flask spells a signed cookie.",
  unreadable: "Its signature is good, and its content is nothing that Flask writes.",
  from_the_future: "It was signed in what is the future here: one of the clocks is wrong.",
};

/**
 * What stands in a Flask cookie, which everyone can read; with `isFlaskApp`, whether `flaskCodec` takes it with the secrets
 * given as SECRET_KEY and its fall-backs.
 */
export function tellFlask(
  { value }: PastedCookie,
  secrets: readonly string[],
  isFlaskApp: boolean,
  rules: InspectionRules,
): Told {
  const session = readUnchecked(value);
  if (!isFlaskApp) return { verdict: "refused", reason: "foreign", why: flask.advice, session };
  const [secretKey, ...fallbacks] = secrets;
  if (secretKey === undefined) {
    const asked = "Flask's SECRET_KEY tells whether it is genuine: pass --secret-env or --secret-file.";
    return { verdict: "unchecked", reason: null, why: asked, session };
  }
  const format = flaskCodec({ secretKey, fallbacks, login: false }).bind({
    keys: new KeyRing(undefined, ""),
    now: () => rules.now,
    longestLifetimeMs: 0,
    cacheSize: 0,
  });
  const opened = format.open(value, "session", anyRequest);
  if (typeof opened !== "string") return { verdict: "accepted", reason: null, why: "", session };
  const ended = session === null ? "" : `Flask's limit passed ${relative(session.idleEndsAt ?? 0, rules.now)}.`;
  return { verdict: "refused", reason: opened, why: opened === "expired" ? ended : (why[opened] ?? ""), session };
}

/** Without a look at the signature: for showing, never for trusting. Null for what Flask did not write. */
function readUnchecked(value: string): OpenedSession | null {
  const [, payload = "", timestamp = ""] = /^(\.?[^.]*)\.([^.]*)\.[^.]*$/.exec(value) ?? [];
  const signedAt = Number(`0x0${(decodeBase64url(timestamp) ?? Buffer.alloc(0)).toString("hex")}`) * 1_000;
  try {
    const { raw, data, flashes, userId } = splitFields(readTagged(readPayload(payload)));
    const record: SessionRecord = {
      id: "",
      generation: 0,
      since: 0,
      signInId: 0,
      rotatedAt: signedAt,
      endsAt: Number.POSITIVE_INFINITY,
      permanent: Boolean(raw._permanent),
      createdAt: null,
      authenticatedAt: null,
      renewedAt: signedAt,
      userId,
      data: toPlainValues(data) as Record<string, unknown>,
      flashes: [...flashes],
      fresh: raw._fresh === true,
    };
    return { record, secret: null, idleEndsAt: signedAt + MAX_AGE_SECONDS * 1_000, absoluteEndsAt: null, row: null };
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}
