/**
 * What a request costs whose cookie is garbage, beside one whose cookie is good: an attacker must not be able to make the
 * server work harder than its own visitors do. `node --conditions=flagon-source bench/garbage.ts`
 *
 * A request is open, a look and commit. The good one is measured as it is when the cookie is not remembered (cache 0), and
 * when it is; garbage is never remembered.
 */
import { Buffer } from "node:buffer";
import { createSessions, type OpenRequest, type Sessions } from "flagon";
import { median } from "./lib/stats.ts";

const SECRET = "p7Qw-2ZrT.s9Vb4_XcK1~mHy6!dLf0Gj";
const NAME = "__Host-Http-session";
const ROUNDS = 15;
const REQUESTS = 4_000;

type Data = Record<string, unknown>;

function requestWith(cookie: string): OpenRequest {
  return {
    method: "GET",
    url: "https://shop.example/",
    header: (name) => (name === "cookie" ? cookie : name === "host" ? "shop.example" : undefined),
  };
}

function goodCookie(data: Data): string {
  const sessions = createSessions<Data>({ secret: SECRET });
  const session = atOnce(sessions.open(requestWith("")));
  for (const [key, value] of Object.entries(data)) session.set(key, value);
  const [, line] = atOnce(sessions.commit(session)).find(([name]) => name === "Set-Cookie") ?? ["", ""];
  return line.slice(NAME.length + 1, line.indexOf(";"));
}

function atOnce<T extends object>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new Error("sealed sessions need no waiting");
  return value;
}

const user = { cart: Array.from({ length: 8 }, (_, i) => ({ sku: `item-${i}`, count: i })), theme: "dark", seen: 12 };
const good = goodCookie(user);
const large = goodCookie({ text: "x".repeat(2_800) });
const bytes = Buffer.from(good, "base64url");
const largeBytes = Buffer.from(large, "base64url");

function changedAt(of: Buffer, at: number): string {
  const changed = Buffer.from(of);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed.toString("base64url");
}

function otherHour(hour: number): string {
  const changed = Buffer.from(bytes);
  changed.writeUIntBE(hour, 5, 3);
  return changed.toString("base64url");
}

const thisHour = bytes.readUIntBE(5, 3);
const hours = Array.from({ length: 4_000 }, (_, i) => otherHour(thisHour - i - 1));
const forged = changedAt(bytes, bytes.length - 1);
const headerOf = (...values: string[]): string => values.map((value) => `${NAME}=${value}`).join("; ");
const full = (piece: string): string => piece.repeat(Math.floor(16_000 / piece.length));

const cases: readonly (readonly [title: string, cache: number, cookie: (n: number) => string])[] = [
  ["good, remembered", 1_000, () => headerOf(good)],
  ["good, not remembered", 0, () => headerOf(good)],
  ["good and large, not remembered", 0, () => headerOf(large)],
  ["none", 1_000, () => ""],
  ["junk", 1_000, () => headerOf("junk")],
  ["junk of 4 KB", 1_000, () => headerOf("A".repeat(4_000))],
  ["base64url of another kind", 1_000, () => headerOf(changedAt(bytes, 0))],
  ["an unknown key id", 1_000, () => headerOf(changedAt(bytes, 1))],
  ["an hour out of bounds", 1_000, () => headerOf(otherHour(thisHour + 5))],
  ["one bit changed", 1_000, () => headerOf(forged)],
  ["one bit changed, large", 1_000, () => headerOf(changedAt(largeBytes, 100))],
  ["one bit changed, another hour each time", 1_000, (n) => headerOf(hours[n % hours.length] ?? "")],
  ["16 KB of semicolons", 1_000, () => full(";")],
  ["16 KB of other cookies", 1_000, () => full("name=value; ")],
  ["16 KB of forged ones", 1_000, () => full(`${headerOf(forged)}; `)],
];

function microseconds(sessions: Sessions<Data>, cookie: (n: number) => string): number {
  const headers = Array.from({ length: REQUESTS }, (_, n) => cookie(n));
  const start = process.hrtime.bigint();
  for (const header of headers) {
    const session = atOnce(sessions.open(requestWith(header)));
    session.get("theme");
    sessions.commit(session);
  }
  return Number(process.hrtime.bigint() - start) / 1_000 / REQUESTS;
}

const made = cases.map(([title, cache, cookie]) => ({
  title,
  cookie,
  sessions: createSessions<Data>({ secret: SECRET, cache }),
  times: [] as number[],
}));
// In turns, so that what the machine does meanwhile falls on all alike.
for (let round = 0; round < ROUNDS; round++) {
  for (const each of made) each.times.push(microseconds(each.sessions, each.cookie));
}
console.log("| a request whose cookie is | µs |\n|---|---:|");
for (const { title, times } of made) console.log(`| ${title} | ${median(times).toFixed(1)} |`);
