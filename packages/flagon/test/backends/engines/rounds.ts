import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../../../../test/support/services/describe-with.ts";
import { ask, type Instance, type Reply, startInstance } from "./app.ts";
import { type Connection, type Engine, engines } from "./engines.ts";

const PARALLEL = 50;
const SLOW = 20;

/** What many requests at once do to each engine, through `node:http` and over sockets, in so many rounds; `tell` hears it. */
export function testRounds(rounds: number, tell: (line: string) => void = () => {}): void {
  for (const { title, needs, start } of engines) {
    const group = needs === null ? describe : describeWith(needs);
    group(`${rounds} rounds in ${title}`, () => testEngine(start, rounds, (line) => tell(`${title}: ${line}`)));
  }
}

function testEngine(start: () => Promise<Engine>, rounds: number, tell: (line: string) => void): void {
  let engine: Engine;
  let connections: Connection[];
  /** Two instances, each with a connection of its own: the store alone is between them. */
  let instances: readonly [Instance, Instance];
  let users = 0;

  beforeAll(async () => {
    engine = await start();
    connections = [await engine.connect(), await engine.connect()];
    const [one, two] = connections as [Connection, Connection];
    // The first use sets a table up.
    await one.store.read("none");
    instances = [await startInstance(one.store), await startInstance(two.store)];
  });
  afterAll(async () => {
    for (const instance of instances ?? []) await instance.close();
    for (const connection of connections ?? []) await connection.close();
    await engine?.stop();
  });

  const originOf = (n: number): string => (instances[n % 2] as Instance).origin;

  async function signIn(): Promise<{ user: string; cookie: string }> {
    const user = `user-${++users}`;
    const { setCookie } = await ask(originOf(0), `/login?n=${user}`, null);
    return { user, cookie: String(setCookie) };
  }

  /** What each instance says of a cookie. */
  async function usersOf(cookie: string): Promise<(string | null)[]> {
    return Promise.all([0, 1].map(async (n) => (await ask(originOf(n), "/", cookie)).userId));
  }

  /**
   * Twenty requests that change the session are under way while `act` runs. In every other round they go on only after its
   * answer, else at the same moment.
   */
  async function amongSlow(cookie: string, round: number, act: () => Promise<unknown>): Promise<Reply[]> {
    const slow = Array.from({ length: SLOW }, (_, n) => ask(originOf(n), `/slow?n=${n}`, cookie));
    await Promise.all(instances.map((instance) => instance.arrived(SLOW / 2)));
    const acting = act();
    if (round % 2 === 0) await acting;
    for (const instance of instances) instance.release();
    await acting;
    return Promise.all(slow);
  }

  test("50 requests at once: each one's own key is there, and the shared count is exact", async () => {
    for (let round = 0; round < rounds; round++) {
      const { user, cookie } = await signIn();
      const path = (n: number): string => `/key?n=${n}`;
      const replies = await Promise.all(Array.from({ length: PARALLEL }, (_, n) => ask(originOf(n), path(n), cookie)));
      expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
      const { userId, data } = await ask(originOf(round), "/", cookie);
      const keys = Object.fromEntries(Array.from({ length: PARALLEL }, (_, n) => [`key${n}`, n]));
      expect({ userId, data }).toEqual({ userId: user, data: { ...keys, count: PARALLEL } });
    }
    tell(`${rounds} × ${PARALLEL} requests at once: every round kept ${PARALLEL} keys and counted to ${PARALLEL}`);
  });

  test("a sign-out among 20 slow changes: over, for the browser and for every copy of its cookie", async () => {
    for (let round = 0; round < rounds; round++) {
      const { user, cookie } = await signIn();
      const replies = await amongSlow(cookie, round, () => ask(originOf(round), "/logout", cookie));
      // After the sign-out's answer nothing sets a cookie; at the same moment, none that is good.
      for (const { setCookie } of replies) expect(setCookie).toBeNull();
      expect(await usersOf(cookie)).toEqual([null, null]);
      expect(await instances[0].sessions.list(user)).toEqual([]);
    }
    tell(`${rounds} × a sign-out among ${SLOW} slow changes: none brought the session back`);
  });

  test("a rotation among 20 slow changes: one session is left, and not under the old cookie", async () => {
    for (let round = 0; round < rounds; round++) {
      const { user, cookie } = await signIn();
      let rotated = "";
      const replies = await amongSlow(cookie, round, async () => {
        rotated = String((await ask(originOf(round), "/rotate", cookie)).setCookie);
      });
      for (const { setCookie } of replies) expect(setCookie).toBeNull();
      expect(await usersOf(cookie)).toEqual([null, null]);
      expect(await usersOf(rotated)).toEqual([user, user]);
      expect(await instances[0].sessions.list(user)).toHaveLength(1);
    }
    tell(`${rounds} × a rotation among ${SLOW} slow changes: one session left, and none under the old cookie`);
  });

  describe("with another process", () => {
    let child: ChildProcess | null = null;
    let lines: Interface | null = null;

    beforeAll(async () => {
      if (engine.address === null) return;
      const script = fileURLToPath(new URL("revoker.ts", import.meta.url));
      const args = ["--conditions=flagon-source", "--disable-warning=ExperimentalWarning", script, engine.address];
      const started = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
      child = started;
      lines = createInterface({ input: started.stdout as NonNullable<typeof started.stdout> });
      expect(await once(lines, "line")).toEqual(["ready"]);
    });
    afterAll(async () => {
      if (child === null) return;
      const ended = once(child, "exit");
      child.stdin?.end();
      await ended;
    });

    /** An engine within this process has no other: then the second instance does it. */
    async function revokeUser(user: string): Promise<void> {
      if (child === null || lines === null) return instances[1].sessions.revokeUser(user);
      const answered = once(lines, "line");
      child.stdin?.write(`${user}\n`);
      expect(await answered).toEqual([user]);
    }

    test("revokeUser there among 20 slow changes here: over, for every copy of the cookie", async () => {
      for (let round = 0; round < rounds; round++) {
        const { user, cookie } = await signIn();
        const replies = await amongSlow(cookie, round, () => revokeUser(user));
        for (const { setCookie } of replies) expect(setCookie).toBeNull();
        expect(await usersOf(cookie)).toEqual([null, null]);
        expect(await instances[0].sessions.list(user)).toEqual([]);
      }
      const where = child === null ? "by the other instance" : "from another process";
      tell(`${rounds} × revokeUser ${where} among ${SLOW} slow changes: none brought the session back`);
    });
  });
}
