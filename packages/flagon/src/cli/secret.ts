import { randomBytes } from "node:crypto";
import { weaknessOf } from "../crypto/secret-strength.ts";
import type { ExitCode, Terminal } from "./terminal.ts";

/** 32 random bytes: as many as the keys that are made of them. */
const SECRET_BYTES = 32;

/** Prints a new secret and nothing else, so that it can go straight into a file or a secret manager. */
export function secret(terminal: Terminal): ExitCode {
  terminal.out(`${newSecret()}\n`);
  return 0;
}

/** Never one that `createSessions` would refuse, however unlikely chance makes that. */
function newSecret(): string {
  for (;;) {
    const text = randomBytes(SECRET_BYTES).toString("base64url");
    if (weaknessOf(text) === null) return text;
  }
}
