import { Buffer } from "node:buffer";

/** How many bytes of UTF-8 a secret has at the least: as many as the keys made of it. */
const SECRET_BYTES_MIN = 32;

/** Fewer different characters than this in 32 or more is no random text: hexadecimal has 14 or more, nearly always. */
const DIFFERENT_CHARACTERS_MIN = 8;

/** What stands in examples and tutorials. Compared in lower case with everything but letters and digits left out. */
const examples =
  /changeme|replaceme|atleast32|32characters|longerthan32|biggerthan|keyboardcat|yoursecret|mysecret|supersecret|secretkey|sessionsecret|password|passphrase|insertsecret/;

/**
 * Throws a `TypeError` for a secret that can be guessed: everything that Flagon protects hangs on it. The message holds
 * no part of the secret.
 */
export function requireStrong(secret: string): void {
  const weakness = weaknessOf(secret);
  if (weakness === null) return;
  throw new TypeError(`the session secret ${weakness}; make a good one with \`npx flagon secret\``);
}

/** Why the secret is weak, as the end of a sentence; null for one that has nothing wrong to be seen. */
export function weaknessOf(secret: string): string | null {
  if (typeof secret !== "string") return "is no text";
  const length = Buffer.byteLength(secret, "utf8");
  if (length < SECRET_BYTES_MIN) return `is ${length} bytes long and needs ${SECRET_BYTES_MIN} or more`;
  if (new Set(secret).size < DIFFERENT_CHARACTERS_MIN || repeats(secret)) return "repeats itself";
  if (runs(secret)) return "is a run of neighbouring characters";
  if (examples.test(secret.toLowerCase().replace(/[^a-z0-9]/g, ""))) return "is known from examples";
  return null;
}

/** Whether the text is a short piece over and over, the last time perhaps not whole. */
function repeats(text: string): boolean {
  for (let period = 1; period < SECRET_BYTES_MIN && period <= text.length / 2; period++) {
    if (text.startsWith(text.slice(period))) return true;
  }
  return false;
}

/** Whether most characters follow the one before them, as in "abcdefgh" and "76543210". */
function runs(text: string): boolean {
  let neighbours = 0;
  for (let i = 1; i < text.length; i++) {
    if (Math.abs(text.charCodeAt(i) - text.charCodeAt(i - 1)) <= 1) neighbours++;
  }
  return neighbours > text.length / 2;
}
