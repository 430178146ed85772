import { Buffer } from "node:buffer";
import type { SessionRecord } from "../codec.ts";
import { printValue } from "./values.ts";

/** The three largest things that a session holds, with their bytes, for the message that it is too large. */
export function largestKeys({ data, flashes }: SessionRecord): string {
  const texts = Object.entries(data).map(([key, value]) => [key, printValue(key, value)] as const);
  return [...texts, ["waiting flashes", JSON.stringify(flashes)] as const]
    .map(([key, text]) => ({ key, size: Buffer.byteLength(text, "utf8") }))
    .sort((a, b) => b.size - a.size)
    .slice(0, 3)
    .map(({ key, size }) => `${key} (${size})`)
    .join(", ");
}
