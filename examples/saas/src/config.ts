import { join } from "node:path";
import { ConfigError } from "./config-error.ts";
import { readSecret } from "./secret.ts";

/** How long a session lasts, in seconds: without activity, and in all. */
export interface Lifetime {
  readonly idle: number;
  readonly absolute: number;
}

export interface Config {
  readonly production: boolean;
  /** The first seals, all of them open. */
  readonly secret: readonly string[];
  /** What to say about the secret at start; null when there is nothing to say. */
  readonly secretNote: string | null;
  /** Where the app keeps its files. */
  readonly dataFolder: string;
  /** Where sessions live: "sqlite", "cookie", or the address of a Redis or a PostgreSQL. */
  readonly sessions: string;
  readonly host: string;
  /** Null: 3000, or the next free one. */
  readonly port: number | null;
  readonly lifetime: Lifetime;
  /** For those who chose to stay signed in. */
  readonly permanentLifetime: Lifetime;
  /** How recent a sign-in must be for the settings, and to sign a device out, in seconds. */
  readonly freshFor: number;
}

export function readConfig(env: NodeJS.ProcessEnv): Config {
  const production = env.NODE_ENV === "production";
  const dataFolder = env.DATA_FOLDER || join(import.meta.dirname, "..", ".data");
  const secret = readSecret(env, production, dataFolder);
  return {
    production,
    secret: secret.secrets,
    secretNote: secret.note,
    dataFolder,
    sessions: env.SESSIONS || "sqlite",
    // A browser accepts this app's cookie over plain http on this machine alone, so nobody else needs to reach it.
    host: env.HOST || (production ? "0.0.0.0" : "127.0.0.1"),
    port: port(env.PORT),
    lifetime: {
      idle: seconds(env, "SESSION_IDLE", "30m"),
      absolute: seconds(env, "SESSION_ABSOLUTE", "12h"),
    },
    permanentLifetime: {
      idle: seconds(env, "SESSION_PERMANENT_IDLE", "31d"),
      absolute: seconds(env, "SESSION_PERMANENT_ABSOLUTE", "180d"),
    },
    freshFor: seconds(env, "SESSION_FRESH", "10m"),
  };
}

function port(text: string | undefined): number | null {
  if (!text) return null;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new ConfigError(`PORT is "${text}"; it has to be a number from 0 to 65535.`);
  }
  return number;
}

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function seconds(env: NodeJS.ProcessEnv, name: string, fallback: string): number {
  const text = env[name] || fallback;
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const result = Number(amount) * (unitSeconds[unit] ?? Number.NaN);
  if (!(result > 0)) throw new ConfigError(`${name} is "${text}"; write a duration such as 45s, 30m, 12h or 31d.`);
  return result;
}
