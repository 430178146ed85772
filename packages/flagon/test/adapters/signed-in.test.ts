import { expect, test } from "vitest";
import { session } from "../../src/adapters/fetch.ts";
import { createSessions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { signedInCookie } from "../../src/testing.ts";

const secret = "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x";

test.each([
  ["sealed", createSessions<{ cart: string[] }>({ secret })],
  ["stored", createSessions<{ cart: string[] }>({ secret, store: memoryStore() })],
])("a cookie made for a test opens a signed-in session, %s", async (_, sessions) => {
  const app = session(sessions)((_, session) => Response.json([session.userId, session.get("cart")]));
  for (const url of ["http://localhost/", "https://app.example/cart"]) {
    const cookie = await signedInCookie(sessions, 42, { url, prepare: (session) => session.set("cart", ["tea"]) });
    const response = await app(new Request(url, { headers: { cookie, host: new URL(url).host } }));
    expect(await response.json()).toEqual(["42", ["tea"]]);
  }
});

test("a session that prepare has ended has no cookie", async () => {
  const sessions = createSessions({ secret });
  await expect(signedInCookie(sessions, 42, { prepare: (session) => session.destroy() })).rejects.toThrow(TypeError);
});
