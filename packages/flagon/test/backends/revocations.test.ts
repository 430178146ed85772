import { createSessions, type Session, type SessionOptions, type Sessions } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, DAY, type Data, MINUTE, requestOf, SECOND, SECRET } from "../browser.ts";
import { rowIdOf } from "../records.ts";
import { CountedStore } from "./counted-store.ts";

let clock: Clock;
let store: CountedStore;
let visitor: AsyncBrowser;

const login = (session: Session<Data>): void => session.login("u");
const userOf = (session: Session<Data>): string | null => session.userId;

/** One process of the app. */
function processOf(staleness?: "5s" | 0 | "1m"): Sessions<Data> {
  const revocations = staleness === undefined ? store : { store, staleness };
  return createSessions<Data>({ secret: SECRET, now: clock.now, revocations });
}

beforeEach(() => {
  clock = new Clock();
  store = new CountedStore(memoryStore({ now: clock.now }));
  visitor = new AsyncBrowser(processOf());
});

describe("what a request asks of the store", () => {
  test("without a cookie nothing, also when a session begins", async () => {
    await visitor.visit((session) => session.get("n"));
    await visitor.visit((session) => session.set("n", 1));
    expect(store.taken()).toEqual([]);
  });

  test("a visitor's cookie: one read, then none for five seconds, and one more before a cookie is sealed", async () => {
    await visitor.visit((session) => session.set("n", 1));
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual(["read"]);
    clock.pass(5 * SECOND - 1);
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual([]);
    await visitor.visit((session) => session.set("n", 2));
    expect(store.taken()).toEqual(["read"]);
    clock.pass(5 * SECOND);
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual(["read"]);
  });

  test("somebody's who is signed in: also whether the user was signed out everywhere", async () => {
    await visitor.visit(login);
    store.taken();
    await visitor.visit(userOf);
    expect(store.taken()).toEqual(["read", "read"]);
  });

  test("each request with staleness 0", async () => {
    const strict = new AsyncBrowser(processOf(0));
    await strict.visit((session) => session.set("n", 1));
    for (let n = 0; n < 3; n++) await strict.visit((session) => session.get("n"));
    expect(store.taken()).toEqual(["read", "read", "read"]);
  });
});

describe("an end in another process", () => {
  test("is seen at once with staleness 0", async () => {
    const here = new AsyncBrowser(processOf(0));
    await here.visit(login);
    await here.visit(userOf);
    await processOf().revokeUser("u");
    expect(await here.visit(userOf)).toBeNull();
  });

  test("is seen when the answer is older than the staleness, and not before: for reading alone", async () => {
    await visitor.visit(login);
    await visitor.visit(userOf);
    await processOf().revokeUser("u");
    clock.pass(5 * SECOND - 1);
    expect(await visitor.copy().visit(userOf)).toBe("u");
    clock.pass(1);
    expect(await visitor.visit(userOf)).toBeNull();
  });

  test("is seen before a cookie is sealed, however fresh the answer", async () => {
    await visitor.visit(login);
    await visitor.visit(userOf);
    await processOf().revokeUser("u");
    await visitor.visit((session) => {
      expect(session.userId).toBe("u");
      session.set("n", 1);
    });
    expect(visitor.setCookies).toEqual([]);
    expect(await visitor.visit(userOf)).toBeNull();
  });

  test("keeps a renewal that is due from being sealed", async () => {
    await visitor.visit((session) => session.login("u", { permanent: true }));
    clock.pass(4 * DAY);
    const session = await visitor.open();
    expect(session.userId).toBe("u");
    await processOf().revoke(session.id);
    await visitor.answer(session);
    expect(visitor.setCookies).toEqual([]);
  });
});

test("an end in this process shows at once, whatever the staleness", async () => {
  const sessions = processOf("1m");
  const [here, phone] = [new AsyncBrowser(sessions), new AsyncBrowser(sessions)];
  for (const each of [here, phone]) {
    await each.visit(login);
    await each.visit(userOf);
  }
  await sessions.revoke((await here.open()).id);
  expect([await here.visit(userOf), await phone.visit(userOf)]).toEqual([null, "u"]);
  await sessions.revokeUser("u");
  expect(await phone.visit(userOf)).toBeNull();
});

describe("revoke with a user", () => {
  test("ends a session that nobody has ended, rotated or seen only if it is that user's", async () => {
    await visitor.visit(login);
    const { id } = await visitor.open();
    await processOf().revoke(id, { userId: "mallory" });
    expect(await visitor.copy(processOf(0)).visit(userOf)).toBe("u");
    expect(await processOf().revoke(id, { userId: "u" })).toBe(true);
    expect(await visitor.copy(processOf(0)).visit(userOf)).toBeNull();
    // Said once more by somebody else, it is over all the same.
    await processOf().revoke(id, { userId: "mallory" });
    await processOf().revokeUser("u", { except: "AAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    expect(await visitor.copy(processOf(0)).visit(userOf)).toBeNull();
    await visitor.visit((session) => session.set("n", 1));
    expect(visitor.setCookies).toEqual([]);
  });

  test("ends one that was rotated only if it is that user's", async () => {
    await visitor.visit(login);
    await visitor.visit((session) => session.rotate());
    const { id } = await visitor.open();
    expect(await processOf().revoke(id, { userId: "mallory" })).toBe(false);
    expect(await visitor.copy(processOf(0)).visit(userOf)).toBe("u");
    expect(await processOf().revoke(id, { userId: "u" })).toBe(true);
    expect(await visitor.copy(processOf(0)).visit(userOf)).toBeNull();
    expect(await processOf().revoke(id, { userId: "u" })).toBe(false);
  });

  test("ends no visitor's", async () => {
    await visitor.visit((session) => session.set("n", 1));
    expect(await processOf().revoke((await visitor.open()).id, { userId: "u" })).toBe(false);
    expect(await visitor.copy(processOf(0)).visit((session) => session.get("n"))).toBe(1);
  });
});

test("a cookie that was sealed before a rotation is refused in every process", async () => {
  await visitor.visit(login);
  const thief = visitor.copy(processOf());
  await visitor.visit((session) => session.rotate());
  expect(await thief.visit(userOf)).toBeNull();
});

test("revoking a session long after it was rotated ends it", async () => {
  await visitor.visit((session) => session.login("u", { permanent: true }));
  const { id } = await visitor.open();
  for (let n = 0; n < 3; n++) {
    clock.pass(20 * DAY);
    await visitor.visit((session) => session.rotate());
  }
  await processOf().revoke(id);
  clock.pass(5 * SECOND);
  expect(await visitor.isKnown()).toBe(false);
});

describe("a mark", () => {
  test("ends what was signed in to before it, as far as the servers' clocks agree", async () => {
    const there = new AsyncBrowser(processOf());
    await there.visit(login);
    clock.pass(1);
    await processOf().revokeUser("u");
    expect(await there.copy(processOf(0)).visit(userOf)).toBeNull();
    clock.pass(1);
    await there.visit(login);
    expect(await there.copy(processOf(0)).visit(userOf)).toBe("u");
  });

  test("says nothing of a session that nobody is signed in to", async () => {
    await visitor.visit((session) => session.set("n", 1));
    await processOf().revokeUser("u");
    expect(await visitor.visit((session) => session.get("n"))).toBe(1);
  });

  test("takes odd user ids", async () => {
    for (const userId of ["üñí 🔑", "../x", "__proto__", "a\r\nb", "u".repeat(300)]) {
      const each = new AsyncBrowser(processOf(0));
      await each.visit((session) => session.login(userId));
      expect(await each.visit(userOf)).toBe(userId);
      await each.sessions.revokeUser(userId);
      expect(await each.visit(userOf)).toBeNull();
    }
  });
});

describe("entries", () => {
  test("last as long as the longest session, and prune removes them", async () => {
    const short = createSessions<Data>({
      secret: SECRET,
      now: clock.now,
      revocations: { store, staleness: 0 },
      lifetime: { idle: "10m", absolute: "20m" },
      permanentLifetime: { idle: "1h", absolute: "1h" },
    });
    const here = new AsyncBrowser(short);
    await here.visit((session) => session.login("u", { permanent: true }));
    const thief = here.copy();
    await here.visit((session) => session.logout());
    clock.pass(60 * MINUTE - 1);
    expect(await thief.isKnown()).toBe(false);
    expect(await short.prune()).toBe(0);
    clock.pass(MINUTE);
    expect(await short.prune()).toBeGreaterThan(0);
    expect(await thief.isKnown()).toBe(false);
  });

  test("hold no secret: ids, who is signed in, and times", async () => {
    await visitor.visit((session) => {
      session.login("u");
      session.set("n", "a secret of the visitor's");
    });
    const { id } = await visitor.open();
    await visitor.visit((session) => session.logout());
    const row = await store.read(`entry:${rowIdOf({ id })}`);
    expect(Buffer.from(row?.data ?? []).toString()).not.toContain("secret");
    expect(row).toMatchObject({ userId: null, device: null });
  });

  test("that cannot be read are a failure, and nobody is let in or turned away", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const { id } = await visitor.open();
    const now = clock.time;
    await store.create({
      id: `entry:${rowIdOf({ id })}`,
      version: 1,
      userId: null,
      device: null,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + DAY,
      data: Buffer.from("{"),
    });
    clock.pass(5 * SECOND);
    const session = await visitor.open();
    expect(() => session.get("n")).toThrow(expect.objectContaining({ code: "store_corrupt", status: 503 }));
  });
});

describe("without revocations", () => {
  test("what sealed cookies cannot do is a TypeError that says what to pass", async () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const id = "A".repeat(22);
    await expect(sessions.list("u")).rejects.toThrow(/TypeError|pass createSessions\(\{ store \}\)/);
    await expect(sessions.revoke(id)).rejects.toThrow(/revocations: store/);
    await expect(sessions.revokeUser("u")).rejects.toThrow(/revocations: store/);
    for (const attempt of [sessions.list("u"), sessions.revoke(id), sessions.revokeUser("u")]) {
      await expect(attempt).rejects.toBeInstanceOf(TypeError);
    }
    expect(await sessions.prune()).toBe(0);
  });

  test("with them, list still needs a store", async () => {
    await expect(processOf().list("u")).rejects.toBeInstanceOf(TypeError);
  });

  test("both a store and revocations are one too many", () => {
    const options: SessionOptions<Data> = { secret: SECRET, store, revocations: store };
    expect(() => createSessions(options)).toThrow(TypeError);
  });

  test("a request is answered at once, without a promise", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    expect(sessions.open(requestOf())).not.toBeInstanceOf(Promise);
  });
});

test("a cookie too large for the browser leaves the session as it was, not ended", async () => {
  await visitor.visit(login);
  const failing = visitor.visit((session) => {
    session.rotate();
    session.set("large", "x".repeat(5_000));
  });
  await expect(failing).rejects.toMatchObject({ code: "cookie_too_large" });
  expect(await visitor.visit(userOf)).toBe("u");
});
