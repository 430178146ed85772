import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ConfigError } from "./config-error.ts";

interface Secrets {
  readonly secrets: readonly string[];
  readonly note: string | null;
}

/**
 * `SESSION_SECRET`, and after it `SESSION_SECRET_BEFORE` while a rotation lasts. Without them, in development, a secret
 * that is made once and kept beside the app's data, so that a restart signs nobody out.
 */
export function readSecret(env: NodeJS.ProcessEnv, production: boolean, dataFolder: string): Secrets {
  const secrets = [env.SESSION_SECRET, env.SESSION_SECRET_BEFORE].filter((text) => text !== undefined);
  if (env.SESSION_SECRET) return { secrets: secrets.filter((text) => text !== ""), note: null };
  if (production) {
    throw new ConfigError(
      "SESSION_SECRET is not set, and production needs one.\nMake it with `npx flagon secret`, and keep it where the other secrets of this machine are.",
    );
  }
  return developmentSecret(join(dataFolder, "secret"), dataFolder);
}

function developmentSecret(file: string, folder: string): Secrets {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    // "wx" fails when the file is there: two starts at once end with one secret.
    writeFileSync(file, `${randomBytes(32).toString("base64url")}\n`, { flag: "wx", mode: 0o600 });
    return {
      secrets: [readFileSync(file, "utf8").trim()],
      note: `Made a session secret for development: ${relative(process.cwd(), file)}`,
    };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    return { secrets: [readFileSync(file, "utf8").trim()], note: null };
  }
}
