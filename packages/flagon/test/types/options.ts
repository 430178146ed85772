import { createSessions, type Duration, type Session, type SessionOptions, type Sessions, sealed } from "flagon";
import { memoryStore } from "flagon/memory";
import * as v from "valibot";
import { expectTypeOf } from "vitest";
import { z } from "zod";

export const durations: Duration[] = [30, 0.5, "30s", "30m", "12h", "31d", "1.5h", "-1s"];
// @ts-expect-error: no unit
export const noUnit: Duration = "30";
// @ts-expect-error: no such unit
export const weeks: Duration = "2w";
// @ts-expect-error: a word
export const word: Duration = "soon";
// @ts-expect-error: no number
export const noNumber: Duration = "m";

export const all: SessionOptions<{ a: number }> = {
  secret: ["one", "two"],
  lifetime: { idle: "30m", absolute: 43_200 },
  permanentLifetime: { idle: "31d" },
  cookie: {
    name: "sid",
    domain: "shop.example",
    path: "/",
    sameSite: "lax",
    secure: true,
    partitioned: false,
    priority: "high",
  },
  codec: sealed,
  upgradeFrom: [
    { codec: sealed, until: "2027-01-31" },
    { codec: sealed, until: new Date() },
  ],
  csrf: { trustedOrigins: ["https://a.example"], exempt: (request) => request.url.endsWith("/webhook") },
  app: "shop",
  cache: 0,
  storeTimeout: "2s",
  now: () => 0,
};

createSessions({ secret: process.env.SESSION_SECRET });
createSessions({ secret: () => process.env.SESSION_SECRET });
createSessions({ secret: () => ["one", "two"] });
createSessions({ store: memoryStore() });
createSessions({ revocations: memoryStore() });
createSessions({ revocations: { store: memoryStore(), staleness: 0 } });

// @ts-expect-error: a secret is text, since it is never decoded
createSessions({ secret: new Uint8Array(32) });
// @ts-expect-error: a secret may not be waited for
createSessions({ secret: async () => "one" });
// @ts-expect-error: SameSite is in lower case
createSessions({ cookie: { sameSite: "Lax" } });
// @ts-expect-error: no such option; the lifetimes decide
createSessions({ cookie: { maxAge: 5 } });
// @ts-expect-error: HttpOnly is always on
createSessions({ cookie: { httpOnly: false } });
// @ts-expect-error: no such option
createSessions({ lifetimes: { idle: "30m" } });
// @ts-expect-error: an old format needs an end
createSessions({ upgradeFrom: [{ codec: sealed }] });
// @ts-expect-error: no store
createSessions({ store: { get: () => null } });
// @ts-expect-error: a word for csrf
createSessions({ csrf: "lax" });

const zodSchema = z.object({ username: z.string().optional(), count: z.number().default(0) });
const withZod = createSessions({ schema: zodSchema });
expectTypeOf(withZod).toEqualTypeOf<Sessions<z.output<typeof zodSchema>>>();

const valibotSchema = v.object({ username: v.optional(v.string()), count: v.optional(v.number(), 0) });
const withValibot = createSessions({ schema: valibotSchema });
expectTypeOf(withValibot).toEqualTypeOf<Sessions<v.InferOutput<typeof valibotSchema>>>();

export function schema(session: Session<z.output<typeof zodSchema>>): void {
  expectTypeOf(session.get("username")).toEqualTypeOf<string | undefined>();
  expectTypeOf(session.get("count")).toEqualTypeOf<number | undefined>();
  session.set("count", 5);
  // @ts-expect-error: another type than the schema's
  session.set("count", "5");
  // @ts-expect-error: no key of the schema's
  session.get("other");
}

// @ts-expect-error: the schema says something else than the type parameter
createSessions<{ username: number }>({ schema: zodSchema });
