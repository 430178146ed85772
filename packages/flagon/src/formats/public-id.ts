import type { SessionRecord } from "../codec.ts";
import { Buffer, decodeBase64url, encodeBase64url } from "../crypto/bytes.ts";

/** What `session.id` is made of. */
type Named = Pick<SessionRecord, "id" | "signInId">;

const ID_BYTES = 16;
const BYTES = 20;
const CHARACTERS = 27;

/** A session's id and sign-in id as 27 characters of base64url: its name in lists, logs and forms. It opens nothing. */
export function publicId({ id, signInId }: Named): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.write(id, "base64url");
  bytes.writeUInt32BE(signInId, ID_BYTES);
  return encodeBase64url(bytes);
}

/**
 * Null for what {@link publicId} cannot have written. The text may come straight from a form: taken as it is, it could name
 * a row that is no session's.
 */
export function readPublicId(text: string | undefined): Named | null {
  const bytes = typeof text === "string" && text.length === CHARACTERS ? decodeBase64url(text) : null;
  if (bytes === null) return null;
  return { id: encodeBase64url(bytes.subarray(0, ID_BYTES)), signInId: bytes.readUInt32BE(ID_BYTES) };
}
