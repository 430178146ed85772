import type { SessionRecord } from "../codec.ts";
import { Buffer } from "../crypto/bytes.ts";
import { valueText } from "./values.ts";

/** The three largest things that a session holds, with their bytes, for the message that it is too large. */
export function largestKeys({ data, flashes }: SessionRecord): string {
  return Object.entries({ ...data, "waiting flashes": flashes })
    .map(([key, value]) => [key, Buffer.byteLength(valueText(key, value))] as const)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([key, size]) => `${key} (${size})`)
    .join(", ");
}
