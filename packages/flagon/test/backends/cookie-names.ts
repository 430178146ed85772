import { sealed } from "flagon";
import { KeyRing } from "../../src/crypto/keys.ts";
import { readIdCookie } from "../../src/formats/id-cookie.ts";
import { publicId } from "../../src/formats/public-id.ts";
import { DAY, NOON, requestOf, SECRET } from "../browser.ts";

/** Which session a cookie names, as it says itself, and of which generation it is. */
export interface NamedByCookie {
  /** The row's. */
  readonly id: string;
  readonly signInId: number;
  readonly generation: number;
  /** As `session.id` of a request that it opens. */
  readonly publicId: string;
}

const keys = new KeyRing(SECRET, "");
const format = sealed.bind({ keys, now: () => NOON + DAY, longestLifetimeMs: 400 * 86_400_000, cacheSize: 0 });

/** What a `name=value` pair of these tests says, in a store's format or sealed. */
export function namedBy(cookie: string): NamedByCookie {
  const [name = "", value = ""] = cookie.split("=");
  const sealedRecord = (): { id: string; signInId: number; generation: number } => {
    const opened = format.open(value, name, requestOf());
    if (typeof opened === "string") throw new Error(`a cookie of these tests is ${opened}`);
    return opened;
  };
  const { id, signInId, generation } = readIdCookie(value, name, keys) ?? sealedRecord();
  return { id, signInId, generation, publicId: publicId({ id, signInId }) };
}

/** The `name=value` pair of a Set-Cookie line; null where the line deletes the cookie. */
export function cookieIn(line: string): string | null {
  const cookie = line.slice(0, line.indexOf(";"));
  return cookie.endsWith("=") ? null : cookie;
}
