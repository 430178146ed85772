import type { SessionRecord } from "../codec.ts";
import { Buffer, encodeBase64url } from "../crypto/bytes.ts";
import { decodeValues, encodeValues } from "./values.ts";

/**
 * What is sealed, in a cookie and in a row alike: flags (1 byte), id (16), sign-in id, generation and since (4 each),
 * created, authenticated, renewed, rotated and absolute end (6 each, milliseconds, 0 for never), then JSON
 * `{"d": data, "f"?: [[message, category], …], "u"?: user id}`.
 */
export const HEAD_BYTES = 59;
const roomForHead = "\0".repeat(HEAD_BYTES);
const FLAG_PERMANENT = 1;
const FLAG_TAGGED = 2;

interface Contents {
  readonly d: Record<string, unknown>;
  readonly f?: readonly [message: string, category: string][];
  readonly u?: string;
}

/** The bytes to seal. Throws a `TypeError` that names the key for what a session cannot carry. */
export function encodeRecord(record: SessionRecord): Buffer {
  const { userId, flashes } = record;
  const data = encodeValues(record.data);
  // What is undefined is left out.
  const json = JSON.stringify({
    d: data,
    f: flashes.length > 0 ? flashes.map(({ message, category }) => [message, category]) : undefined,
    u: userId ?? undefined,
  });
  const bytes = Buffer.from(`${roomForHead}${json}`);
  bytes[0] = (record.permanent ? FLAG_PERMANENT : 0) | (data === record.data ? 0 : FLAG_TAGGED);
  bytes.write(record.id, 1, 16, "base64url");
  // These throw rather than wrap: a generation that came again would open what was rotated away.
  bytes.writeUInt32BE(record.signInId, 17);
  bytes.writeUInt32BE(record.generation, 21);
  bytes.writeUInt32BE(record.since, 25);
  bytes.writeUIntBE(record.createdAt ?? record.renewedAt, 29, 6);
  bytes.writeUIntBE(record.authenticatedAt ?? 0, 35, 6);
  bytes.writeUIntBE(record.renewedAt, 41, 6);
  bytes.writeUIntBE(record.rotatedAt, 47, 6);
  bytes.writeUIntBE(record.endsAt, 53, 6);
  return bytes;
}

/** What was sealed, but for the data: that stays text, so that each request gets data of its own. */
export interface Plaintext {
  readonly head: Omit<SessionRecord, "data" | "flashes" | "userId">;
  readonly flags: number;
  readonly json: string;
}

/** Null for bytes that no {@link encodeRecord} made. */
export function decodeHead(bytes: Buffer): Plaintext | null {
  const flags = bytes.length < HEAD_BYTES ? 255 : bytes.readUInt8();
  if (flags > (FLAG_PERMANENT | FLAG_TAGGED)) return null;
  const head = {
    id: encodeBase64url(bytes.subarray(1, 17)),
    generation: bytes.readUInt32BE(21),
    since: bytes.readUInt32BE(25),
    signInId: bytes.readUInt32BE(17),
    permanent: (flags & FLAG_PERMANENT) !== 0,
    createdAt: bytes.readUIntBE(29, 6),
    authenticatedAt: bytes.readUIntBE(35, 6) || null,
    renewedAt: bytes.readUIntBE(41, 6),
    rotatedAt: bytes.readUIntBE(47, 6),
    endsAt: bytes.readUIntBE(53, 6),
  };
  return { head, flags, json: bytes.toString("utf8", HEAD_BYTES) };
}

/** The record, its data parsed anew each time. */
export function decodeRecord({ head, flags, json }: Plaintext): SessionRecord {
  const { d, f = [], u = null } = JSON.parse(json) as Contents;
  return {
    ...head,
    userId: u,
    data: flags & FLAG_TAGGED ? decodeValues(d) : d,
    flashes: f.map(([message, category]) => ({ message, category })),
  };
}
