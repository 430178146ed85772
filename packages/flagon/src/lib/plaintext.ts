import { Buffer } from "node:buffer";
import type { SessionRecord } from "../codec.ts";
import { encodeBase64url } from "./bytes.ts";
import { carryEach, uncarryEach } from "./values.ts";

/**
 * What is sealed, in a cookie and in a row alike: flags (1 byte), id (16), created, authenticated, renewed (6 bytes each,
 * milliseconds, 0 for never), then JSON `{"d": data, "f"?: [[message, category], …], "u"?: user id, "r"?: family}`.
 */
const HEAD_BYTES = 35;
const FLAG_PERMANENT = 1;
const FLAG_TAGGED = 2;

/** A verified plaintext: the head read, the data still text, so that remembering one gives fresh data each time. */
export interface Plaintext {
  readonly head: Pick<SessionRecord, "id" | "permanent" | "createdAt" | "authenticatedAt" | "renewedAt">;
  readonly tagged: boolean;
  readonly json: string;
}

interface Contents {
  readonly d: Record<string, unknown>;
  readonly f?: readonly [message: string, category: string][];
  readonly u?: string;
  readonly r?: string;
}

/** The bytes to seal, and what {@link readPlaintext} would read from them. */
export function writePlaintext(record: SessionRecord): { bytes: Buffer; plaintext: Plaintext } {
  const { id, permanent, authenticatedAt, renewedAt, userId, flashes } = record;
  const createdAt = record.createdAt ?? renewedAt;
  const data = carryEach(record.data);
  const tagged = data !== record.data;
  // What is undefined is left out.
  const json = JSON.stringify({
    d: data,
    f: flashes.length > 0 ? flashes.map(({ message, category }) => [message, category]) : undefined,
    u: userId ?? undefined,
    r: record.family,
  });
  // Room for any text, so that its bytes need not be counted first.
  const room = Buffer.allocUnsafe(HEAD_BYTES + 3 * json.length);
  room[0] = (permanent ? FLAG_PERMANENT : 0) | (tagged ? FLAG_TAGGED : 0);
  room.write(id, 1, 16, "base64url");
  room.writeUIntBE(createdAt, 17, 6);
  room.writeUIntBE(authenticatedAt ?? 0, 23, 6);
  room.writeUIntBE(renewedAt, 29, 6);
  const bytes = room.subarray(0, HEAD_BYTES + room.write(json, HEAD_BYTES));
  return { bytes, plaintext: { head: { id, permanent, createdAt, authenticatedAt, renewedAt }, tagged, json } };
}

/** Null for bytes that no {@link writePlaintext} made. */
export function readPlaintext(bytes: Buffer): Plaintext | null {
  const flags = bytes.readUInt8();
  if (flags > (FLAG_PERMANENT | FLAG_TAGGED)) return null;
  return {
    head: {
      id: encodeBase64url(bytes.subarray(1, 17)),
      permanent: (flags & FLAG_PERMANENT) !== 0,
      createdAt: bytes.readUIntBE(17, 6),
      authenticatedAt: bytes.readUIntBE(23, 6) || null,
      renewedAt: bytes.readUIntBE(29, 6),
    },
    tagged: (flags & FLAG_TAGGED) !== 0,
    json: bytes.toString("utf8", HEAD_BYTES),
  };
}

/** The record with data of its own, parsed anew each time. */
export function recordOf({ head, tagged, json }: Plaintext): SessionRecord {
  const { d, f = [], u = null, r } = JSON.parse(json) as Contents;
  const flashes = f.map(([message, category]) => ({ message, category }));
  const record: SessionRecord = { ...head, userId: u, data: tagged ? uncarryEach(d) : d, flashes };
  if (r !== undefined) record.family = r;
  return record;
}
