import { Buffer } from "./bytes.ts";

/** How many bytes of UTF-8 a secret has at the least: as many as the keys made of it. */
const SECRET_BYTES_MIN = 32;

/** Fewer different characters than this in 32 or more is no random text: hexadecimal has 14 or more, nearly always. */
const DIFFERENT_MIN = 8;

/**
 * What stands in examples and tutorials; the random ones are those of Flask's, FastAPI's and h3's documents. Compared with
 * everything but letters and digits left out.
 */
const examples =
  /(change|replace)me|(least|than)32|32(char|byte)|keyboardcat|(your|my|super|session|insert)secret|secretkey|pass(word|phrase)|djangoinsecure|192b9bdd22ab|09d25e094faa|80d42cfb1cd2/i;

/** What people write where a secret is to come: a text whose letters are three quarters of such words is none. */
const placeholders =
  /change|replace|secret|secure|example|placeholder|default|random|string|production|development|deploy|character|bits|least|minimum|long|length|bigger|your|here|session|cookie|signing|key|value|please|before|enough|real|test|only|must|should|this|that|with|not|use|dev|and|put|the|for|our|very|than|thirty|phrase|char/gi;

export const SECRET_WANTED = "pass createSessions({ secret }) what `npx flagon secret` prints";

/** What is thrown for a secret that is weak or missing: everything that Flagon protects hangs on it. Holds no part of it. */
export function secretError(what: string): TypeError {
  return new TypeError(`the session secret ${what}; ${SECRET_WANTED}`);
}

/** Why the secret is weak, as the end of a sentence; null for one that has nothing wrong to be seen. */
export function weaknessOf(secret: string): string | null {
  if (typeof secret !== "string" || Buffer.byteLength(secret) < SECRET_BYTES_MIN) {
    return `is no text of ${SECRET_BYTES_MIN} bytes`;
  }
  // From each byte to the next: few different ones are a run, as in "abcdefgh" and "76543210".
  const steps = Buffer.from(secret).map((byte, i, bytes) => byte - (bytes[i - 1] ?? 0));
  const isGuessable =
    [secret, steps].some((all) => new Set<unknown>(all).size < DIFFERENT_MIN) ||
    // A piece, and the same once more.
    /^(.{8,31})\1/s.test(secret) ||
    isPlaceholder(secret.replace(/[^a-z]/gi, "")) ||
    examples.test(secret.replace(/[\W_]/g, ""));
  return isGuessable ? "can be guessed" : null;
}

function isPlaceholder(letters: string): boolean {
  return letters.length > 16 && 4 * letters.replace(placeholders, "").length < letters.length;
}
