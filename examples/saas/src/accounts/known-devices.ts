import { hkdfSync, randomBytes } from "node:crypto";
import type { Context } from "hono";
import { getSignedCookie, setSignedCookie } from "hono/cookie";

const lifetimeSeconds = 365 * 86_400;
/** People who share a browser. */
const usersMax = 4;

/**
 * Which browsers a user has signed in with before, told by a cookie that each of them keeps, over sign-outs too. It signs
 * nobody in. It gives the browser tries of its own at that user's password, so that somebody else's wrong ones, from
 * wherever, do not keep the user out (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
 */
export interface KnownDevices {
  /** This browser's id for the user; null when they have not signed in with it, or not for a year. */
  find(c: Context, userId: string): Promise<string | null>;
  /** To be called when the user has shown the password. The id is another one each time. */
  remember(c: Context, userId: string): Promise<void>;
}

interface Entry {
  readonly userId: string;
  readonly id: string;
  /** Seconds since 1970. */
  readonly until: number;
}

/** `secrets`: the first signs, all of them are accepted. `now`: milliseconds since 1970. */
export function knownDevices(secrets: readonly string[], now: () => number): KnownDevices {
  const keys = secrets.map((secret) => hkdfSync("sha256", secret, "", "flagon-example/known-devices", 32));
  const [key] = keys;
  if (key === undefined) throw new TypeError("known devices need a secret");
  const seconds = (): number => Math.floor(now() / 1_000);

  const read = async (c: Context): Promise<Entry[]> => {
    for (const each of keys) {
      const text = await getSignedCookie(c, each, "device", "host");
      if (text) return entriesOf(text).filter(({ until }) => until > seconds());
    }
    return [];
  };

  return {
    async find(c, userId) {
      return (await read(c)).find((entry) => entry.userId === userId)?.id ?? null;
    },
    async remember(c, userId) {
      const others = (await read(c)).filter((entry) => entry.userId !== userId).slice(0, usersMax - 1);
      const own: Entry = { userId, id: randomBytes(16).toString("base64url"), until: seconds() + lifetimeSeconds };
      await setSignedCookie(c, "device", textOf([own, ...others]), key, {
        prefix: "host",
        httpOnly: true,
        sameSite: "Strict",
        maxAge: lifetimeSeconds,
      });
    },
  };
}

function textOf(entries: readonly Entry[]): string {
  return entries.map(({ userId, id, until }) => `${userId}.${id}.${until}`).join("~");
}

/** Of a text that was signed here. */
function entriesOf(text: string): Entry[] {
  return text.split("~").map((entry) => {
    const [userId = "", id = "", until = ""] = entry.split(".");
    return { userId, id, until: Number(until) };
  });
}
