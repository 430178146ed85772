import { hash, parseOptions, verify } from "@node-rs/argon2";
import { accountKey } from "./users.ts";

/**
 * OWASP's parameters for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. argon2id is the
 * library's own default; naming it would need a const enum, which a file compiled alone can't read.
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

const lengthMin = 12;
/** Long enough for any pass phrase, short enough that nobody makes the server hash a novel. */
const lengthMax = 256;

/** What is wrong with a new password; null when it will do. Length is what counts (NIST SP 800-63B), not a mix of signs. */
export function passwordProblem(password: string, username: string): string | null {
  const length = [...password].length;
  if (length < lengthMin) return `Use at least ${lengthMin} characters. A few words together work well.`;
  if (length > lengthMax) return `Use at most ${lengthMax} characters.`;
  if (new Set(password).size < 4) return "Use more than three different characters.";
  const key = accountKey(username);
  if (key.length > 3 && accountKey(password).replaceAll(key, "").length < lengthMin / 2) {
    return "Use something that your name does not give away.";
  }
  return null;
}

export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize("NFKC"), cost);
}

/** The hash of a password that nobody has: what an unknown name is compared with. */
const nobodysHash = hashPassword(crypto.randomUUID());

/**
 * Whether the password belongs to the hash. Null stands for an unknown user, and takes the same work as a wrong
 * password, so that the time of an answer tells nobody which names exist.
 */
export async function checkPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const text = [...password].length > lengthMax ? "" : password.normalize("NFKC");
  const matches = await verify(passwordHash ?? (await nobodysHash), text);
  return matches && passwordHash !== null;
}

/** Whether a hash was made with other parameters than today's, and is to be made anew at the next sign-in. */
export function isOutdated(passwordHash: string): boolean {
  const { memoryCost, timeCost, parallelism } = parseOptions(passwordHash);
  return memoryCost !== cost.memoryCost || timeCost !== cost.timeCost || parallelism !== cost.parallelism;
}
