import { expect, test } from "vitest";
import { createSessions, type Session } from "../../src/index.ts";

test("a clock with fractions of a millisecond is taken at whole ones", () => {
  const sessions = createSessions({ secret: "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY", now: () => 1_700_000_000_000.75 });
  const request = { method: "GET", url: "https://example.com/", header: () => null };
  const session = sessions.open(request) as Session;
  session.login("ada");
  expect(session.authenticatedAt).toBe(1_700_000_000_000);
  expect(session.createdAt).toBe(1_700_000_000_000);
});
