import { Buffer } from "node:buffer";
import { createSessions, type SessionOptions, type Sessions } from "flagon";
import { KeyRing } from "../src/crypto/keys.ts";
import { writeIdCookie } from "../src/formats/id-cookie.ts";
import { Browser, DAY, type Data, HOUR, OTHER_SECRET, SECOND, SECRET } from "./browser.ts";

/** A good cookie's value, sealed by other options than the app's. */
export function sealedBy(options: SessionOptions<Data>): string {
  const browser = new Browser(createSessions<Data>({ secret: SECRET, ...options }));
  browser.visit((session) => {
    session.login("ann");
    session.set("role", "admin");
  });
  return browser.cookie;
}

/** One cookie for each reason why an app with SECRET, no name of its own and this clock refuses it. */
export function refusedCookies(now: number): [reason: string, value: string][] {
  const good = sealedBy({ now: () => now });
  const bytes = Buffer.from(good, "base64url");
  const flipped = Buffer.from(bytes);
  flipped[30] = (flipped[30] ?? 0) ^ 1;
  return [
    ["changed by one bit", flipped.toString("base64url")],
    ["cut by one character", good.slice(0, -1)],
    ["cut by one byte", bytes.subarray(0, -1).toString("base64url")],
    ["cut in half", good.slice(0, good.length / 2)],
    ["from another app", sealedBy({ now: () => now, app: "other" })],
    ["from under another name", sealedBy({ now: () => now, cookie: { name: "sid" } })],
    ["from a retired secret", sealedBy({ now: () => now, secret: OTHER_SECRET })],
    ["idle too long", sealedBy({ now: () => now - HOUR })],
    ["too old", sealedBy({ now: () => now - 200 * DAY })],
    ["from the future", sealedBy({ now: () => now + 10 * SECOND })],
    ["from another hour", sealedBy({ now: () => now + 100 * DAY })],
    [
      "a store's",
      writeIdCookie(
        { id: "AAECAwQFBgcICQoLDA0ODw", generation: 0, signInId: 0 },
        "__Host-Http-session",
        new KeyRing(SECRET, ""),
      ),
    ],
    ["empty", ""],
    ["junk", "junk"],
    ["long junk", "A".repeat(3_000)],
    ["longer than any cookie", "A".repeat(20_000)],
  ];
}

export const appWith = (now: () => number): Sessions<Data> => createSessions<Data>({ secret: SECRET, now });
