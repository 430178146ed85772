import { decodeBase64url } from "../crypto/bytes.ts";
import { KIND_COOKIE, KIND_ROW, KIND_STORE_COOKIE, SEALED_BYTES_MIN } from "../crypto/seal.ts";
import { HEAD_BYTES } from "./record-bytes.ts";

const EMPTY_JSON = '{"d":{}}';

/** Of the shortest sealed cookie: a session that holds nothing. */
export const SEALED_CHARACTERS_MIN: number = Math.ceil(((SEALED_BYTES_MIN + HEAD_BYTES + EMPTY_JSON.length) * 4) / 3);

/** Shorter than this, a text is no start of any of them. */
const CHARACTERS_MIN = 20;

/** What the first byte makes of a text in base64url ("AQ…" to "Af…", and so on), whole or cut off; null for nothing of ours. */
export function kindOf(value: string): "sealed" | "store" | "row" | null {
  if (value.length < CHARACTERS_MIN || !/^[A-Za-z0-9_-]{4}/.test(value)) return null;
  switch (decodeBase64url(value.slice(0, 4))?.[0]) {
    case KIND_COOKIE:
      return "sealed";
    case KIND_STORE_COOKIE:
      return "store";
    case KIND_ROW:
      return "row";
    default:
      return null;
  }
}
