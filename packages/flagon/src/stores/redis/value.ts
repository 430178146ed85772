import { Buffer } from "node:buffer";
import { storeCorrupt } from "../../errors.ts";
import type { StoredSession } from "../../store.ts";
import { toSession } from "../shared/rows.ts";
import { toText } from "../shared/text.ts";

/*
 * A session's value in Redis. Integers are big-endian, eight bytes; the scripts read the same places, counted from 1.
 *
 *   0  format, 1        25  last seen        42  length of user id (4 bytes)
 *   1  indexed until    33  expires          46  length of device (4 bytes)
 *   9  version          41  flags            50  user id, device, data
 *  17  created
 *
 * "Indexed until" is how long the user's index is sure to know of this session: no write has to look at the index
 * before the expiry moves past it.
 */
export const HEAD_BYTES = 50;
const FORMAT = 1;
const HAS_USER = 1;
const HAS_DEVICE = 2;
const HAS_DATA = 4;

export function encodeValue(session: StoredSession, indexedUntil: number): Buffer {
  const userId = Buffer.from(toText(session.userId ?? ""));
  const device = Buffer.from(toText(session.device ?? ""));
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = FORMAT;
  head.writeBigUInt64BE(BigInt(indexedUntil), 1);
  head.writeBigUInt64BE(BigInt(session.version), 9);
  head.writeBigUInt64BE(BigInt(session.createdAt), 17);
  head.writeBigUInt64BE(BigInt(session.lastSeenAt), 25);
  head.writeBigUInt64BE(BigInt(session.expiresAt), 33);
  head[41] =
    (session.userId === null ? 0 : HAS_USER) |
    (session.device === null ? 0 : HAS_DEVICE) |
    (session.data === null ? 0 : HAS_DATA);
  head.writeUInt32BE(userId.length, 42);
  head.writeUInt32BE(device.length, 46);
  return Buffer.concat([head, userId, device, session.data ?? new Uint8Array()]);
}

/** Throws a `SessionError` `store_corrupt` for anything that {@link encodeValue} does not write. */
export function decodeValue(id: string, value: unknown): StoredSession {
  if (!Buffer.isBuffer(value) || value.length < HEAD_BYTES || value[0] !== FORMAT)
    throw storeCorrupt("the session store holds a value that is no session");
  const flags = value[41] ?? 0;
  const userEnd = HEAD_BYTES + value.readUInt32BE(42);
  const deviceEnd = userEnd + value.readUInt32BE(46);
  if (deviceEnd > value.length) throw storeCorrupt("the session store holds a session that was cut short");
  return toSession({
    id: toText(id),
    version: value.readBigUInt64BE(9),
    userId: flags & HAS_USER ? value.toString("utf8", HEAD_BYTES, userEnd) : null,
    device: flags & HAS_DEVICE ? value.toString("utf8", userEnd, deviceEnd) : null,
    createdAt: value.readBigUInt64BE(17),
    lastSeenAt: value.readBigUInt64BE(25),
    expiresAt: value.readBigUInt64BE(33),
    data: flags & HAS_DATA ? value.subarray(deviceEnd) : null,
  });
}

export function integerBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
