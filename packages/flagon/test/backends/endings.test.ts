import { createSessions, type Session, type SessionOptions, type Sessions } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, MINUTE, SECOND, SECRET } from "../browser.ts";
import { heard } from "./events.ts";

type Make = (clock: Clock) => Partial<SessionOptions<Data>>;

/** Sealed cookies alone keep this within one process; the other two across processes. */
const backends: [title: string, make: Make][] = [
  ["sealed cookies", () => ({})],
  ["sealed cookies with revocations", ({ now }) => ({ revocations: { store: memoryStore({ now }), staleness: 0 } })],
  ["a store", ({ now }) => ({ store: memoryStore({ now }) })],
];
const revocable = backends.slice(1);

let clock: Clock;
let sessions: Sessions<Data>;
let visitor: AsyncBrowser;

function begin(make: Make): void {
  clock = new Clock();
  sessions = createSessions<Data>({ secret: SECRET, now: clock.now, ...make(clock) });
  visitor = new AsyncBrowser(sessions);
}

const login = (session: Session<Data>): void => session.login("u");
const userOf = (session: Session<Data>): string | null => session.userId;

describe.each(backends)("in %s", (title, make) => {
  beforeEach(() => begin(make));

  describe("login", () => {
    test("gives a new id, keeps the visitor's own data, and the old id is dead at once", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const [thief, before] = [visitor.copy(), (await visitor.open()).id];
      const announced = await visitor.visit((session) => {
        session.login("u");
        return session.id;
      });
      expect(await visitor.visit((session) => [session.id, session.get("cart"), session.userId])).toEqual([
        announced,
        1,
        "u",
      ]);
      expect(announced).not.toBe(before);
      expect(await thief.isKnown()).toBe(false);
    });

    test("of another user drops the data of the first, of the same user keeps it", async () => {
      await visitor.visit(login);
      await visitor.visit((session) => session.set("private", 1));
      await visitor.visit(login);
      expect(await visitor.visit((session) => session.get("private"))).toBe(1);
      const thief = visitor.copy();
      await visitor.visit((session) => {
        session.login("v");
        session.set("own", 2);
      });
      expect(await visitor.visit((session) => [session.userId, session.entries()])).toEqual(["v", [["own", 2]]]);
      expect(await thief.isKnown()).toBe(false);
    });

    test("sent twice, the second before the first is answered: one session is left, in whatever order the answers come", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const [tab, other] = [visitor.copy(), visitor.copy()];
      const [first, second] = [await tab.open(), await other.open()];
      expect([first.get("cart"), second.get("cart")]).toEqual([1, 1]);
      first.login("u");
      await tab.answer(first);
      second.login("u");
      await other.answer(second);
      for (const each of [other, tab]) {
        expect(await each.visit((session) => [session.userId, session.get("cart")])).toEqual(["u", 1]);
      }
      expect((await tab.open()).id).toBe((await other.open()).id);
    });

    test("sent again with the old cookie after the first answer was lost: it works, and there is one session", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const lost = visitor.copy();
      await lost.visit(login);
      await visitor.visit((session) => {
        expect(session.get("cart")).toBeUndefined();
        session.login("u");
      });
      expect(await visitor.visit((session) => [session.userId, session.get("cart")])).toEqual(["u", 1]);
      expect((await lost.open()).id).toBe((await visitor.open()).id);
    });

    test("of somebody else with the old cookie begins a session of its own, and takes nobody's away", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const other = visitor.copy();
      await visitor.visit(login);
      const id = await visitor.visit((session) => session.id);
      await other.visit((session) => session.login("v"));
      expect(await other.visit((session) => [session.userId, session.entries()])).toEqual(["v", []]);
      expect(await visitor.visit((session) => [session.userId, session.id])).toEqual(["u", id]);
    });

    test("of somebody else that another sign-in overtakes is dropped: the first to commit is in", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const other = visitor.copy();
      const late = await other.open();
      expect(late.get("cart")).toBe(1);
      await visitor.visit(login);
      late.login("v");
      await other.answer(late);
      expect(other.setCookies).toEqual([]);
      expect(await visitor.visit(userOf)).toBe("u");
    });

    test("again after a sign-out whose answer was lost", async () => {
      await visitor.visit(login);
      const lost = visitor.copy();
      await lost.visit((session) => session.logout());
      await visitor.visit(login);
      expect(await visitor.visit(userOf)).toBe("u");
    });

    test("that was under way at a sign-out comes too late", async () => {
      await visitor.visit(login);
      const slow = visitor.copy();
      const session = await slow.open();
      session.login("u");
      await visitor.visit((own) => own.logout());
      await slow.answer(session);
      expect(slow.setCookies).toEqual([]);
      expect(await slow.isKnown()).toBe(false);
    });
  });

  describe("rotate", () => {
    test("gives a new id, and the old one is dead at once; data, login and clocks stay", async () => {
      await visitor.visit((session) => {
        session.login("u");
        session.set("n", 1);
      });
      const began = clock.time;
      clock.pass(MINUTE);
      const thief = visitor.copy();
      await visitor.visit((session) => session.rotate());
      expect(await visitor.visit((s) => [s.userId, s.get("n"), s.createdAt, s.authenticatedAt])).toEqual([
        "u",
        1,
        began,
        began,
      ]);
      expect(await thief.isKnown()).toBe(false);
    });

    test("for 30 seconds, who still comes with the old cookie sees nothing, stores nothing and gets no cookie", async () => {
      await visitor.visit(login);
      const late = visitor.copy();
      await visitor.visit((session) => session.rotate());
      clock.pass(30 * SECOND - 1);
      const events = await heard("flagon:conflict", () =>
        late.visit((session) => {
          expect([session.isNew, session.userId, session.entries()]).toEqual([true, null, []]);
          session.set("n", 1);
          session.flash("late");
        }),
      );
      expect(events).toMatchObject([{ reason: "ended" }]);
      expect(late.setCookies).toEqual([]);
      expect(await visitor.visit((session) => [session.has("n"), session.flashes()])).toEqual([false, []]);
    });

    test("after 30 seconds, who comes with the old cookie is nobody, and may begin anew", async () => {
      await visitor.visit(login);
      const late = visitor.copy();
      await visitor.visit((session) => session.rotate());
      clock.pass(30 * SECOND);
      await late.visit((session) => session.set("n", 1));
      expect(await late.visit((session) => [session.get("n"), session.userId])).toEqual([1, null]);
      expect(await visitor.visit(userOf)).toBe("u");
    });

    test("by two at once: one generation, and the other one's changes are dropped", async () => {
      await visitor.visit(login);
      const [one, two] = [visitor.copy(), visitor.copy()];
      const [first, second] = [await one.open(), await two.open()];
      first.rotate();
      second.rotate();
      await one.answer(first);
      await two.answer(second);
      expect([await one.isKnown(), await two.isKnown()]).toEqual([true, false]);
      expect(two.setCookies).toEqual([]);
    });

    test("of a request that came long before counts from its commit: the cookie from before is late for a while", async () => {
      await visitor.visit(login);
      const [late, slow] = [visitor.copy(), await visitor.open()];
      expect(slow.userId).toBe("u");
      clock.pass(40 * SECOND);
      slow.rotate();
      await visitor.answer(slow);
      await late.visit((session) => session.set("n", 1));
      expect(late.setCookies).toEqual([]);
      expect(await visitor.visit(userOf)).toBe("u");
    });

    test("twice in one request is one rotation", async () => {
      await visitor.visit(login);
      const id = await visitor.visit((session) => {
        session.rotate();
        session.rotate();
        return session.id;
      });
      expect(await visitor.visit((session) => [session.id, session.userId])).toEqual([id, "u"]);
    });
  });

  describe("logout", () => {
    test("ends the session for every copy of the cookie, deletes the cookie, and leaves nothing", async () => {
      await visitor.visit((session) => {
        session.login("u");
        session.set("n", 1);
      });
      const thief = visitor.copy();
      await visitor.visit((session) => session.logout());
      expect(visitor.setCookies).toEqual([expect.stringContaining("=; Max-Age=0;")]);
      expect(await thief.visit((session) => [session.isNew, session.userId, session.get("n")])).toEqual([
        true,
        null,
        undefined,
      ]);
    });

    test("what is set afterwards begins another session", async () => {
      await visitor.visit((session) => {
        session.login("u");
        session.set("n", 1);
      });
      const { id } = await visitor.open();
      await visitor.visit((session) => {
        session.logout();
        session.flash("Bye");
        session.set("theme", "dark");
      });
      expect(await visitor.visit((s) => [s.userId, s.entries(), s.flashes(), s.id === id])).toEqual([
        null,
        [["theme", "dark"]],
        [{ message: "Bye", category: "message" }],
        false,
      ]);
    });

    test("of a session that was rotated meanwhile ends it, and deletes the cookie", async () => {
      await visitor.visit(login);
      const slow = visitor.copy();
      const session = await slow.open();
      session.logout();
      await visitor.visit((own) => own.rotate());
      await slow.answer(session);
      expect(slow.setCookies).toEqual([expect.stringContaining("=; Max-Age=0;")]);
      expect(await visitor.isKnown()).toBe(false);
    });

    test("that comes with the old cookie just after a rotation ends the session, and deletes the cookie", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const late = visitor.copy();
      await visitor.visit((session) => session.rotate());
      await visitor.visit((session) => session.rotate());
      await late.visit((session) => session.logout());
      expect(late.setCookies).toEqual([expect.stringContaining("=; Max-Age=0;")]);
      expect(await visitor.isKnown()).toBe(false);
    });

    test("of the visitor that somebody was before the login does not sign them out", async () => {
      await visitor.visit((session) => session.set("cart", 1));
      const slow = visitor.copy();
      const session = await slow.open();
      session.logout();
      await visitor.visit(login);
      await slow.answer(session);
      expect(await visitor.visit(userOf)).toBe("u");
    });

    test("beats every change that was under way", async () => {
      await visitor.visit(login);
      const slow = Array.from({ length: 5 }, () => visitor.copy());
      const open = await Promise.all(slow.map((each) => each.open()));
      for (const [n, session] of open.entries()) session.set(`key${n}`, n);
      await visitor.visit((session) => session.logout());
      for (const [n, session] of open.entries()) await slow[n]?.answer(session);
      for (const each of slow) {
        expect(each.setCookies).toEqual([]);
        expect(await each.isKnown()).toBe(false);
      }
    });

    test("twice at once with something to say leaves one new session", async () => {
      await visitor.visit(login);
      const [one, two] = [visitor.copy(), visitor.copy()];
      const open = [await one.open(), await two.open()] as const;
      for (const session of open) {
        session.logout();
        session.flash("Bye");
      }
      await one.answer(open[0]);
      await two.answer(open[1]);
      expect((await one.open()).id).toBe((await two.open()).id);
      const messages = await two.visit((session) => session.flashes());
      expect(messages).toHaveLength(title === "a store" ? 2 : 1);
    });
  });

  test("destroy ends the session, and nothing may begin in its request", async () => {
    await visitor.visit(login);
    const thief = visitor.copy();
    await visitor.visit((session) => {
      session.destroy();
      expect(() => session.set("n", 1)).toThrow(TypeError);
    });
    expect(visitor.cookies.size).toBe(0);
    expect(await thief.isKnown()).toBe(false);
  });
});

describe.each(revocable)("in %s", (_title, make) => {
  let phone: AsyncBrowser;

  beforeEach(async () => {
    begin(make);
    phone = new AsyncBrowser(sessions);
    await visitor.visit(login);
    await phone.visit(login);
  });

  test("revoke ends one session; its browser is nobody then, and can sign in again at once", async () => {
    await sessions.revoke((await phone.open()).id);
    expect(await phone.visit(userOf)).toBeNull();
    expect(await visitor.visit(userOf)).toBe("u");
    await phone.visit(login);
    expect(await phone.visit(userOf)).toBe("u");
  });

  test("revoke by an id that was rotated just before ends the session", async () => {
    const { id } = await phone.open();
    await phone.visit((session) => session.rotate());
    await phone.visit((session) => session.rotate());
    await sessions.revoke(id);
    expect(await phone.isKnown()).toBe(false);
    expect(await visitor.isKnown()).toBe(true);
  });

  test.each([
    ["signed in", (): AsyncBrowser => visitor],
    ["not signed in", (): AsyncBrowser => new AsyncBrowser(sessions)],
  ])(
    "a sign-in of a browser that was %s works where one before, whose answer was lost, ended with its user",
    async (_, whose) => {
      const browser = whose();
      await browser.visit((session) => session.set("cart", 1));
      const lost = browser.copy();
      const signIn = (session: Session<Data>): void => {
        session.logout();
        session.login("u");
      };
      await lost.visit(signIn);
      clock.pass(SECOND);
      await sessions.revokeUser("u");
      clock.pass(SECOND);
      await browser.visit(signIn);
      expect(await browser.visit(userOf)).toBe("u");
      expect(await lost.isKnown()).toBe(false);
    },
  );

  test("what was under way at a revoke comes too late, a rotation as well", async () => {
    const copies = [phone.copy(), phone.copy()] as const;
    const [change, rotation] = [await copies[0].open(), await copies[1].open()];
    change.set("n", 1);
    rotation.rotate();
    await sessions.revokeUser("u");
    await copies[0].answer(change);
    await copies[1].answer(rotation);
    for (const each of copies) {
      expect(each.setCookies).toEqual([]);
      expect(await each.isKnown()).toBe(false);
    }
  });

  test("a changed password: a new id, and all the others are signed out, in one request", async () => {
    const thief = visitor.copy();
    await visitor.visit(async (session) => {
      session.rotate();
      await sessions.revokeUser("u", { except: session.id });
    });
    expect(await visitor.visit(userOf)).toBe("u");
    expect([await phone.isKnown(), await thief.isKnown()]).toEqual([false, false]);
  });

  test("a changed password with the login confirmed: the same", async () => {
    await visitor.visit(async (session) => {
      session.login("u");
      await sessions.revokeUser("u", { except: session.id });
      session.set("n", 1);
    });
    expect(await visitor.visit((session) => [session.userId, session.get("n")])).toEqual(["u", 1]);
    expect(await phone.isKnown()).toBe(false);
  });

  test("a password that was reset: everybody is signed out, then this one signed in, in one request", async () => {
    await visitor.visit((session) => session.set("draft", 1));
    await visitor.visit(async (session) => {
      await sessions.revokeUser("u", { except: session.id });
      session.login("u");
      session.set("n", 1);
    });
    expect(await visitor.visit((session) => [session.userId, session.get("n")])).toEqual(["u", 1]);
    expect(await phone.isKnown()).toBe(false);
  });

  test("a sign-in whose user is signed out everywhere in the same request says what to pass", async () => {
    const resetting = visitor.visit(async (session) => {
      await sessions.revokeUser("u");
      session.login("u");
    });
    await expect(resetting).rejects.toThrow("{ except: session.id }");
    expect(await visitor.isKnown()).toBe(false);
  });

  test("signed out everywhere, with a word about it", async () => {
    await visitor.visit(async (session) => {
      await sessions.revokeUser("u");
      session.logout();
      session.flash("Signed out everywhere");
    });
    expect(await visitor.visit((session) => [session.userId, session.flashes().length])).toEqual([null, 1]);
    expect(await phone.isKnown()).toBe(false);
  });

  test("the excepted session stays so through rotations, and through the next time", async () => {
    const ids = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const { id } = await visitor.open();
      await sessions.revokeUser("u", { except: id });
      clock.pass(SECOND);
      for (let n = 0; n < 3; n++) {
        ids.add(
          await visitor.visit((session) => {
            session.rotate();
            return session.id;
          }),
        );
        expect(await visitor.visit(userOf)).toBe("u");
      }
    }
    expect(ids.size).toBe(1);
    expect(await phone.isKnown()).toBe(false);
  });

  test("fifty rotations of an excepted session", async () => {
    await sessions.revokeUser("u", { except: (await visitor.open()).id });
    for (let n = 0; n < 50; n++) await visitor.visit((session) => session.rotate());
    expect(await visitor.visit(userOf)).toBe("u");
  });

  test("fifty that sign the user out elsewhere at once, each of them done", async () => {
    const others = Array.from({ length: 50 }, (_, n) => String(n).padStart(22, "A"));
    await Promise.all(others.map((except) => sessions.revokeUser("u", { except })));
    expect([await visitor.isKnown(), await phone.isKnown()]).toEqual([false, false]);
  });

  test("naming an ended session as the one to spare does not bring it back", async () => {
    const { id } = await phone.open();
    const slow = await phone.open();
    await sessions.revokeUser("u");
    await sessions.revokeUser("u", { except: id });
    expect(await phone.isKnown()).toBe(false);
    slow.rotate();
    await phone.answer(slow);
    expect(await phone.isKnown()).toBe(false);
  });

  test("a sign-in just after the mark, in the same millisecond, counts", async () => {
    await sessions.revokeUser("u");
    const fresh = new AsyncBrowser(sessions);
    await fresh.visit(login);
    expect(await fresh.visit(userOf)).toBe("u");
    await sessions.revokeUser("u");
    expect(await fresh.isKnown()).toBe(false);
    await fresh.visit(login);
    expect(await fresh.visit((session) => [session.userId, session.isFresh("1m")])).toEqual(["u", true]);
  });

  test("another user's sessions, and visitors, are left alone", async () => {
    const [other, anonymous] = [new AsyncBrowser(sessions), new AsyncBrowser(sessions)];
    await other.visit((session) => session.login("v"));
    await anonymous.visit((session) => session.set("n", 1));
    await sessions.revokeUser("u");
    expect([await other.isKnown(), await anonymous.isKnown()]).toEqual([true, true]);
  });

  test("flagon:revoke tells of each end, and how it came", async () => {
    const { id } = await phone.open();
    const events = await heard("flagon:revoke", async () => {
      await visitor.visit((session) => session.rotate());
      await visitor.visit((session) => session.logout());
      await sessions.revoke(id);
      await sessions.revokeUser("u");
    });
    expect(events.map(({ reason, userId }) => [reason, userId])).toEqual([
      ["rotated", "u"],
      ["ended", "u"],
      ["revoked", null],
      ["revoked", "u"],
    ]);
  });
});

describe("a request that is under way for longer than a tombstone lasts", () => {
  beforeEach(() => begin(({ now }) => ({ store: memoryStore({ now }) })));

  test("and signs out ends its session all the same", async () => {
    await visitor.visit(login);
    const slow = visitor.copy();
    const session = await slow.open();
    session.logout();
    await visitor.visit((own) => own.rotate());
    await visitor.visit((own) => own.rotate());
    clock.pass(MINUTE);
    await slow.answer(session);
    expect(await visitor.isKnown()).toBe(false);
  });

  test("and changes or signs in meets a session that was only rotated: it is the same one", async () => {
    await visitor.visit(login);
    const slow = visitor.copy();
    const open = [await slow.open(), await slow.open()] as const;
    await visitor.visit((own) => own.rotate());
    clock.pass(MINUTE);
    open[0].set("n", 1);
    open[1].login("u");
    await slow.answer(open[0]);
    expect(slow.setCookies).toEqual([]);
    expect(await visitor.visit((own) => own.get("n"))).toBe(1);
    await slow.answer(open[1]);
    expect(await slow.visit(userOf)).toBe("u");
    expect(await sessions.list("u")).toHaveLength(1);
  });
});

test("a sign-in whose session expired on the way begins anew", async () => {
  begin(({ now }) => ({ store: memoryStore({ now }) }));
  await visitor.visit((session) => session.set("cart", 1));
  clock.pass(30 * MINUTE - 1);
  const session = await visitor.open();
  session.login("u");
  clock.pass(1);
  await visitor.answer(session);
  expect(await visitor.visit((own) => [own.userId, own.get("cart")])).toEqual(["u", undefined]);
});
