import { Buffer } from "node:buffer";
import type { Flash, SessionRecord } from "../codec.ts";
import { encodeBase64url } from "./bytes.ts";
import { carryEach, uncarryEach } from "./values.ts";

/**
 * What is sealed, in a cookie and in a row alike: flags (1 byte), id (16), created, authenticated, renewed (6 bytes each,
 * milliseconds, 0 for never), then JSON `{"d": data, "f"?: [[message, category], …], "u"?: user id, "r"?: family}`.
 */
const HEAD_BYTES = 35;
const FLAG_PERMANENT = 1;
const FLAG_TAGGED = 2;

/** A verified plaintext: the clocks read, the data still text, so that remembering one gives fresh data each time. */
export interface Plaintext {
  readonly id: string;
  readonly permanent: boolean;
  readonly tagged: boolean;
  readonly createdAt: number;
  readonly authenticatedAt: number | null;
  readonly renewedAt: number;
  readonly json: string;
}

interface Contents {
  d: Record<string, unknown>;
  f?: [message: string, category: string][];
  u?: string;
  r?: string;
}

/** The bytes to seal, and what {@link readPlaintext} would read from them. */
export function writePlaintext(record: SessionRecord): { bytes: Buffer; plaintext: Plaintext } {
  const { id, permanent, authenticatedAt, renewedAt } = record;
  const createdAt = record.createdAt ?? renewedAt;
  const data = carryEach(record.data);
  const tagged = data !== record.data;
  const contents: Contents = { d: data };
  if (record.flashes.length > 0) contents.f = record.flashes.map(({ message, category }) => [message, category]);
  if (record.userId !== null) contents.u = record.userId;
  if (record.family !== undefined) contents.r = record.family;
  const json = JSON.stringify(contents);
  // Room for any text, so that its bytes need not be counted first.
  const room = Buffer.allocUnsafe(HEAD_BYTES + 3 * json.length);
  room[0] = (permanent ? FLAG_PERMANENT : 0) | (tagged ? FLAG_TAGGED : 0);
  room.write(id, 1, 16, "base64url");
  room.writeUIntBE(createdAt, 17, 6);
  room.writeUIntBE(authenticatedAt ?? 0, 23, 6);
  room.writeUIntBE(renewedAt, 29, 6);
  const bytes = room.subarray(0, HEAD_BYTES + room.write(json, HEAD_BYTES, "utf8"));
  return { bytes, plaintext: { id, permanent, tagged, createdAt, authenticatedAt, renewedAt, json } };
}

/** Null for bytes that no {@link writePlaintext} made. */
export function readPlaintext(bytes: Buffer): Plaintext | null {
  if (bytes.length < HEAD_BYTES + 2) return null;
  const flags = bytes[0] as number;
  if (flags > (FLAG_PERMANENT | FLAG_TAGGED)) return null;
  return {
    id: encodeBase64url(bytes.subarray(1, 17)),
    permanent: (flags & FLAG_PERMANENT) !== 0,
    tagged: (flags & FLAG_TAGGED) !== 0,
    createdAt: bytes.readUIntBE(17, 6),
    authenticatedAt: bytes.readUIntBE(23, 6) || null,
    renewedAt: bytes.readUIntBE(29, 6),
    json: bytes.toString("utf8", HEAD_BYTES),
  };
}

/** The record with data of its own, parsed anew each time. */
export function recordOf(plaintext: Plaintext): SessionRecord {
  const contents = JSON.parse(plaintext.json) as Contents;
  const record: SessionRecord = {
    id: plaintext.id,
    permanent: plaintext.permanent,
    createdAt: plaintext.createdAt,
    authenticatedAt: plaintext.authenticatedAt,
    renewedAt: plaintext.renewedAt,
    userId: contents.u ?? null,
    data: plaintext.tagged ? uncarryEach(contents.d) : contents.d,
    flashes: contents.f === undefined ? [] : contents.f.map(toFlash),
  };
  if (contents.r !== undefined) record.family = contents.r;
  return record;
}

function toFlash([message, category]: [string, string]): Flash {
  return { message, category };
}
