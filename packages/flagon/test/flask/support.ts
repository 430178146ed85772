import { type FlaskCodecOptions, flaskCodec } from "flagon/flask";
import type { OpenRequest, SessionRecord } from "../../src/codec.ts";
import { KeyRing } from "../../src/crypto/keys.ts";
import { FlaskFormat } from "../../src/flask/cookie-format.ts";
import { unrotated } from "../records.ts";

/** A secret that no warning is due for. */
export const SECRET = "b3d9d2c0f0a1487d9f3c6a5e2b7f4810";

export const anyRequest: OpenRequest = { method: "GET", url: "https://shop.example/", header: () => null };

/** Flask's format with a clock in seconds. */
export function bindFlask(now: () => number, options: Partial<FlaskCodecOptions> = {}): FlaskFormat {
  const context = {
    keys: new KeyRing(undefined, ""),
    now: () => now() * 1_000,
    longestLifetimeMs: 1,
    cacheSize: 0,
  };
  const format = flaskCodec({ secretKey: SECRET, ...options }).bind(context);
  if (!(format instanceof FlaskFormat)) throw new Error("flaskCodec made another format");
  return format;
}

/** A session as TypeScript begins one. */
export function newRecord(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: "0".repeat(22),
    ...unrotated,
    permanent: false,
    createdAt: null,
    authenticatedAt: null,
    renewedAt: 0,
    userId: null,
    data: {},
    flashes: [],
    ...fields,
  };
}

/** The record, or an error with the reason. */
export function opened(answer: SessionRecord | string): SessionRecord {
  if (typeof answer === "string") throw new Error(`refused: ${answer}`);
  return answer;
}
