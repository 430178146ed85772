import { createHash } from "node:crypto";
import type { SessionRecord } from "../codec.ts";
import { Buffer, decodeBase64url, encodeBase64url, randomBytes } from "../crypto/bytes.ts";

/**
 * Flagon's own key in Flask's session. Two of Flask's cookies that hold the same and were signed in the same second are one
 * cookie, byte for byte; this tells them apart. Flask carries it along untouched, but for `session.clear()`.
 */
export const IDENTITY_KEY = "_flagon";

/** Which session a cookie is of, and which of its cookies it is: what `SessionRecord` has under the same names. */
export interface SessionIdentity {
  /** 16 bytes as 22 characters of base64url. */
  readonly id: string;
  readonly generation: number;
  /** The generation with which the latest sign-in began. */
  readonly since: number;
  /** Four bytes as a number; 0 while nobody has signed in. */
  readonly signInId: number;
}

const ID_BYTES = 16;
/** Id, sign-in id, generation, since, and whose session it was when Flagon wrote it. */
const BYTES = 32;
const OWNER_AT = 28;

/**
 * Null for a cookie that carries none: Flask alone has written it. `userId` is whom the cookie names now. Where that is
 * somebody else than when Flagon wrote it, since they signed in or out on Flask, the session is another one, and the same one
 * for as long as they are signed in there.
 */
export function readIdentity(value: unknown, userId: string | null): SessionIdentity | null {
  const bytes = typeof value === "string" ? decodeBase64url(value) : null;
  if (bytes?.length !== BYTES) return null;
  const id = encodeBase64url(bytes.subarray(0, ID_BYTES));
  if (!bytes.subarray(OWNER_AT).equals(ownerOf(id, userId))) return identityFrom(["after", id, userId], userId);
  return {
    id,
    signInId: bytes.readUInt32BE(16),
    generation: bytes.readUInt32BE(20),
    since: bytes.readUInt32BE(24),
  };
}

/** What {@link IDENTITY_KEY} is to hold: 43 characters. Throws for a generation past 2^32 rather than begin again from 0. */
export function writeIdentity({ id, signInId, generation, since }: SessionIdentity, userId: string | null): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.write(id, 0, ID_BYTES, "base64url");
  bytes.writeUInt32BE(signInId, 16);
  bytes.writeUInt32BE(generation, 20);
  bytes.writeUInt32BE(since, 24);
  ownerOf(id, userId).copy(bytes, OWNER_AT);
  return encodeBase64url(bytes);
}

/** Those of a record; one that no format has read yet begins at 0. */
export function identityOf(record: SessionRecord & Partial<SessionIdentity>): SessionIdentity {
  const { id, generation = 0, since = 0, signInId = 0 } = record;
  return { id, generation, since, signInId };
}

/**
 * What a cookie that Flask alone has written is called until Flagon writes it: a hash of its signature. Of visitors many may
 * have the very same one, and so `place` tells where it came from, and `count` how many sessions of that name have ended.
 */
export function standIn(signature: string, userId: string | null, place: string, count: number): SessionIdentity {
  return identityFrom(["cookie", signature, place, count, userId], userId);
}

export function randomId(): string {
  return encodeBase64url(randomBytes(ID_BYTES));
}

function ownerOf(id: string, userId: string | null): Buffer {
  return digest(["owner", id, userId]).subarray(0, BYTES - OWNER_AT);
}

function identityFrom(parts: readonly unknown[], userId: string | null): SessionIdentity {
  const bytes = digest(parts);
  const signInId = userId === null ? 0 : bytes.readUInt32BE(ID_BYTES) || 1;
  return { id: encodeBase64url(bytes.subarray(0, ID_BYTES)), generation: 0, since: 0, signInId };
}

function digest(parts: readonly unknown[]): Buffer {
  return createHash("sha256").update(JSON.stringify(parts)).digest();
}
