import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";

/** For all of the core: each import of node:buffer of its own would be ten bytes of every bundle. */
export { Buffer };

/** base64url without padding (RFC 4648, section 5). */
export function encodeBase64url(bytes: Buffer): string {
  return bytes.toString("base64url");
}

/**
 * Null unless the text is exactly what {@link encodeBase64url} writes for some bytes. Node reads `+`, `/`, padding, junk
 * and stray last bits without a word; were they let through, one cookie would have many spellings.
 */
export function decodeBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return encodeBase64url(bytes) === text ? bytes : null;
}

/** Two bytes, most significant first, then the text's UTF-8: no two texts run into what follows them. At most 65,535 bytes. */
export function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(`\0\0${text}`);
  bytes.writeUIntBE(bytes.length - 2, 0, 2);
  return bytes;
}

const pool = Buffer.alloc(4096);
let poolUsed = pool.length;

/**
 * `length` random bytes, at most 4,096. Drawn from a pool, since one call to the generator costs 2 µs however few bytes it
 * gives; used bytes are wiped, and the pool is filled at first use because Workers forbid random bytes while a module
 * loads. Never filled in a startup snapshot that is being built: each process that starts from it would have the same
 * bytes left, for the same ids and nonces.
 */
export function randomBytes(length: number): Buffer {
  if (poolUsed + length > pool.length) {
    if (isBuildingSnapshot()) return randomFillSync(Buffer.alloc(length));
    randomFillSync(pool);
    poolUsed = 0;
  }
  const taken = pool.subarray(poolUsed, poolUsed + length);
  const bytes = Buffer.from(taken);
  taken.fill(0);
  poolUsed += length;
  return bytes;
}

/** Node's `--build-snapshot` keeps the whole heap, this module's pool included. */
function isBuildingSnapshot(): boolean {
  try {
    return process.getBuiltinModule("node:v8").startupSnapshot.isBuildingSnapshot();
  } catch {
    // A runtime that lacks any of these has no snapshots of an app.
    return false;
  }
}
