import { Buffer } from "node:buffer";
import { createSessions } from "flagon";
import { memoryStore } from "flagon/memory";
import { describe, expect, test } from "vitest";
import { AsyncBrowser, requestOf, SECRET } from "../browser.ts";

const name = "__Host-Http-session";

describe("a store", () => {
  test("is asked few questions by one request, however often it names a session that is over", async () => {
    const inner = memoryStore();
    let asked = 0;
    const read: typeof inner.read = (id) => {
      asked++;
      return inner.read(id);
    };
    const sessions = createSessions({ secret: SECRET, store: { ...inner, read } });
    const visitor = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.set("a", 1));
    const over = visitor.copy();
    await visitor.visit((session) => session.destroy());
    asked = 0;
    const cookie = Array.from({ length: 230 }, () => `${name}=${over.cookies.get(name)}`).join("; ");
    expect((await sessions.open(requestOf({ cookie }))).isNew).toBe(true);
    expect(asked).toBeLessThanOrEqual(16);
  });
});

describe("ids that come from a form", () => {
  test("end no more than sessions: the mark of a sign-out everywhere stays", async () => {
    const store = memoryStore();
    const sessions = createSessions({ secret: SECRET, store });
    await sessions.revokeUser("ann");
    await sessions.revoke("user:ann");
    expect((await store.read("user:ann"))?.data).not.toBeNull();
    await sessions.revokeUser("ann");
  });

  test.each(["store", "revocations"] as const)("leave nothing of their own in a store (%s)", async (home) => {
    const inner = memoryStore();
    const written: string[] = [];
    const store = {
      ...inner,
      create: (row: Parameters<typeof inner.create>[0]) => {
        written.push(`${row.id} ${Buffer.from(row.data ?? []).toString("utf8")}`);
        return inner.create(row);
      },
    };
    const sessions = createSessions({ secret: SECRET, [home]: store });
    const junk = "x".repeat(10_000);
    for (const id of [junk, "", "ended:AAECAwQFBgcICQoLDA0ODw", "AAECAwQFBgcICQoLDA0ODw\n", "AAECAwQFBgcICQoLDA0OD"]) {
      await sessions.revoke(id);
    }
    await sessions.revokeUser("ann", { except: junk });
    expect(written).toHaveLength(1);
    expect(written[0]).not.toContain("xxx");
  });
});
