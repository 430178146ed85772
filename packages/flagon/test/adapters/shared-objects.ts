import { describe, expect, test } from "vitest";
import { Client } from "../../src/testing/adapter/client.ts";
import { type RawReply, valuesOf } from "../../src/testing/adapter/raw-http.ts";

/** Cookies of an older library that an app deletes with every response: one list for all of them. */
export const clearOld: readonly string[] = ["connect.sid=; Max-Age=0; Path=/", "old=; Max-Age=0; Path=/"];

/**
 * Two visitors and a stranger at work in turns before an app that answers `/in`, which signs the visitor in, and `/page`, which
 * looks at nothing, with the same objects. `shared` are those objects: nothing may be written on them. `under` stands before both
 * paths.
 */
export function testSharedObjects(
  how: string,
  start: () => Promise<string>,
  shared: () => unknown,
  options: { readonly cookies?: readonly string[]; readonly under?: string } = {},
): void {
  const { cookies: others = clearOld, under = "" } = options;
  describe(`${how} that all responses share`, () => {
    test("hands nobody another visitor's cookie, and stays what it was", async () => {
      const origin = await start();
      const before = JSON.stringify(shared());
      const visitors = [new Client(origin), new Client(origin)];
      const issued: string[] = [];
      const own = (reply: RawReply): string[] => valuesOf(reply, "set-cookie").filter((line) => !others.includes(line));
      for (let round = 0; round < 3; round++) {
        for (const visitor of visitors) {
          const signedIn = own(await visitor.get(`${under}/in`));
          expect(signedIn).toHaveLength(1);
          expect(issued).not.toContain(signedIn[0]);
          issued.push(...signedIn);
          const stranger = await new Client(origin).get(`${under}/page`);
          expect([
            own(stranger),
            valuesOf(stranger, "vary").filter((names) => /cookie/i.test(names)),
            valuesOf(stranger, "cache-control"),
          ]).toEqual([[], [], []]);
          expect(valuesOf(stranger, "set-cookie")).toEqual(others);
          expect(own(await visitor.get(`${under}/page`))).toEqual([]);
        }
      }
      expect(JSON.stringify(shared())).toBe(before);
    });
  });
}
