import { setTimeout as sleep } from "node:timers/promises";
import { createSessions } from "flagon";
import { getSession, withSession } from "flagon/next";
// @ts-expect-error: found by Next itself, under a name that Node does not know
import { redirect } from "next/navigation";
// @ts-expect-error: as above
import { after } from "next/server";
import { sessions } from "../../../current.ts";

const secret = "only for the tests of the adapters: kT9vXw2LrQ7dZb4N";
const admin = createSessions<{ [key: string]: unknown }>({ secret, cookie: { name: "admin" }, csrf: false });

/** Reads, and writes later, as an action does that asks a database in between. */
const add = withSession(sessions, async (session, key: string) => {
  const before = session.get("name");
  session.set(key, true);
  await sleep(5);
  session.update("count", (count) => Number(count ?? 0) + 1);
  return before;
});
const fail = withSession(sessions, (session) => {
  session.set("failed", true);
  throw new Error("the inner one fell over");
});
const leave = withSession(sessions, (session) => {
  session.set("left", true);
  redirect("/page");
});
const addForAdmin = withSession(admin, async (session, key: string) => {
  session.set(key, true);
  await add(key);
  return session.size;
});
const all = (...keys: string[]): Promise<unknown[]> => Promise.all(keys.map((key) => add(key)));

/** What a handler or an action does, by name. */
export const tasks: Readonly<Record<string, () => Promise<unknown>>> = {
  look: async () => Object.fromEntries((await getSession(sessions)).entries()),
  nested: withSession(sessions, async (session) => {
    session.set("name", "Ada");
    session.flash("hello");
    const before = await add("inner");
    const read = await getSession(sessions);
    return [before, session.get("inner"), read.get("inner"), read.flashes().length, session.flashes().length];
  }),
  parallel: withSession(sessions, (session) => {
    session.set("outer", true);
    return all("a", "b", "c");
  }),
  siblings: () => all("a", "b", "c"),
  caught: withSession(sessions, async (session) => {
    session.set("outer", true);
    await fail().catch(() => session.set("caught", true));
  }),
  thrown: withSession(sessions, async (session) => {
    session.set("outer", true);
    await fail();
  }),
  redirect: withSession(sessions, async (session) => {
    session.set("outer", true);
    await leave();
  }),
  admin: withSession(sessions, async (session) => {
    session.set("outer", true);
    const size = await addForAdmin("inner");
    return [size, session.get("inner")];
  }),
  crossed: () => Promise.all([addForAdmin("a"), withSession(sessions, () => addForAdmin("b"))()]),
  after: async () => {
    await add("before");
    after(async () => {
      const error = await add("late").catch(String);
      globalThis.flagonLate?.(`${error} / ${(await getSession(sessions)).get("before")}`);
    });
  },
  forgotten: withSession(sessions, (session) => {
    session.set("outer", true);
    const tell = (error: unknown): void => globalThis.flagonLate?.(String(error));
    void sleep(20).then(() => add("late").then(() => tell(null), tell));
  }),
};
