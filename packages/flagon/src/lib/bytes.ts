import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";

/** base64url without padding (RFC 4648, section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * Null unless the text is exactly what {@link encodeBase64url} writes for some bytes. Node reads `+`, `/`, padding, junk
 * and stray last bits without a word; were they let through, one cookie would have many spellings.
 */
export function decodeBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : null;
}

/** Two bytes, most significant first, then the text's UTF-8: no two texts run into what follows them. */
export function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > 0xffff) throw new TypeError(`${bytes.length} bytes are too many: at most 65535`);
  const prefixed = Buffer.allocUnsafe(2 + bytes.length);
  prefixed.writeUInt16BE(bytes.length);
  bytes.copy(prefixed, 2);
  return prefixed;
}

const pool = Buffer.alloc(4096);
let poolUsed = pool.length;

/**
 * Fills `target` from `start` with random bytes. Drawn from a pool of 4 KB, since one call to the generator costs 2 µs
 * however few bytes it gives; used bytes are wiped, and the pool is filled at first use because Workers forbid random
 * bytes while a module loads. Never filled in a startup snapshot that is being built: each process that starts from it
 * would have the same bytes left, for the same ids and nonces.
 */
export function fillRandom(target: Uint8Array, start: number, length: number): void {
  if (poolUsed + length > pool.length) {
    if (isBuildingSnapshot()) {
      randomFillSync(target, start, length);
      return;
    }
    randomFillSync(pool);
    poolUsed = 0;
  }
  pool.copy(target, start, poolUsed, poolUsed + length);
  pool.fill(0, poolUsed, poolUsed + length);
  poolUsed += length;
}

/** Node's `--build-snapshot` keeps the whole heap, this module's pool included. Other runtimes have no snapshots of an app. */
function isBuildingSnapshot(): boolean {
  try {
    return Boolean(globalThis.process?.getBuiltinModule?.("node:v8")?.startupSnapshot?.isBuildingSnapshot?.());
  } catch {
    // A runtime that has the name alone.
    return false;
  }
}

/** `length` random bytes. */
export function randomBytes(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  fillRandom(bytes, 0, length);
  return bytes;
}
