import type { SessionRecord } from "../codec.ts";
import { Buffer, encodeBase64url } from "../crypto/bytes.ts";
import { encodeValues, uncarryEach } from "./values.ts";

/**
 * What is sealed, in a cookie and in a row alike: flags (1 byte), id (16), created, authenticated, renewed (6 bytes each,
 * milliseconds, 0 for never), then JSON `{"d": data, "f"?: [[message, category], …], "u"?: user id, "r"?: family}`.
 */
const HEAD_BYTES = 35;
const roomForHead = "\0".repeat(HEAD_BYTES);
const FLAG_PERMANENT = 1;
const FLAG_TAGGED = 2;

interface Contents {
  readonly d: Record<string, unknown>;
  readonly f?: readonly [message: string, category: string][];
  readonly u?: string;
  readonly r?: string;
}

/** The bytes to seal. Throws a `TypeError` that names the key for what a session cannot carry. */
export function encodeRecord(record: SessionRecord): Buffer {
  const { id, permanent, authenticatedAt, renewedAt, userId, flashes } = record;
  const data = encodeValues(record.data);
  // What is undefined is left out.
  const json = JSON.stringify({
    d: data,
    f: flashes.length > 0 ? flashes.map(({ message, category }) => [message, category]) : undefined,
    u: userId ?? undefined,
    r: record.family,
  });
  const bytes = Buffer.from(`${roomForHead}${json}`);
  bytes[0] = (permanent ? FLAG_PERMANENT : 0) | (data === record.data ? 0 : FLAG_TAGGED);
  bytes.write(id, 1, 16, "base64url");
  bytes.writeUIntBE(record.createdAt ?? renewedAt, 17, 6);
  bytes.writeUIntBE(authenticatedAt ?? 0, 23, 6);
  bytes.writeUIntBE(renewedAt, 29, 6);
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
  const flags = bytes.readUInt8();
  if (flags > (FLAG_PERMANENT | FLAG_TAGGED)) return null;
  const head = {
    id: encodeBase64url(bytes.subarray(1, 17)),
    permanent: (flags & FLAG_PERMANENT) !== 0,
    createdAt: bytes.readUIntBE(17, 6),
    authenticatedAt: bytes.readUIntBE(23, 6) || null,
    renewedAt: bytes.readUIntBE(29, 6),
  };
  return { head, flags, json: bytes.toString("utf8", HEAD_BYTES) };
}

/** The record, its data parsed anew each time. */
export function recordOf({ head, flags, json }: Plaintext): SessionRecord {
  const { d, f = [], u = null, r } = JSON.parse(json) as Contents;
  return {
    ...head,
    userId: u,
    data: flags & FLAG_TAGGED ? uncarryEach(d) : d,
    flashes: f.map(([message, category]) => ({ message, category })),
    ...(r && { family: r }),
  };
}
