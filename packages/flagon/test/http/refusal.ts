import { createSessions, SessionError, type SessionOptions } from "flagon";
import { type Data, type Headers, requestOf, SECRET } from "../browser.ts";

export type Csrf = NonNullable<SessionOptions<Data>["csrf"]>;

export const HTTPS = "https://shop.example/pay";
export const HTTP = "http://shop.example/pay";

/** What a request with these headers is refused with; null when it is not. */
export function refusal(
  headers: Headers,
  { method = "POST", url = HTTPS, csrf = true as Csrf } = {},
): SessionError | null {
  try {
    createSessions({ secret: SECRET, csrf }).open(requestOf(headers, method, url));
    return null;
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  }
}
