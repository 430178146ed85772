import { expect, test } from "vitest";
import { describeWith } from "../../../../../test/support/services/describe-with.ts";
import {
  ioredisOf,
  type Mortal,
  nodeRedisOf,
  onCluster,
  onPostgres,
  patience,
  poolOf,
  postgresJsOf,
  safePoolOf,
} from "./mortals.ts";
import { startApp, Writer } from "./writers.ts";

export interface Case {
  readonly needs: "redis" | "postgres";
  readonly engine: string;
  readonly setting: string;
  readonly driver: string;
  /** Whether the engine promises, set like this, that what it acknowledged outlives the kill. */
  readonly promises: boolean;
  start(): Promise<Mortal>;
}

const off = "synchronous_commit = off";
const on = "synchronous_commit = on";

const postgresCases = [
  { setting: on, driver: "pg", promises: true, start: () => onPostgres(poolOf, "on") },
  { setting: on, driver: "postgres.js", promises: true, start: () => onPostgres(postgresJsOf, "on") },
  { setting: off, driver: "pg", promises: false, start: () => onPostgres(poolOf, "off") },
  {
    setting: `${off}, but on in the app's Pool`,
    driver: "pg",
    promises: true,
    start: () => onPostgres(safePoolOf, "off"),
  },
] as const;

const clusterSettings = [
  { setting: "as it is", waits: false, cutsOff: false },
  { setting: "replica cut off before", waits: false, cutsOff: true },
  { setting: "WAIT 1", waits: true, cutsOff: false },
  { setting: "WAIT 1, replica cut off before", waits: true, cutsOff: true },
] as const;

const drivers = [
  { driver: "node-redis", connect: nodeRedisOf },
  { driver: "ioredis", connect: ioredisOf },
] as const;

export const cases: readonly Case[] = [
  ...postgresCases.map((each): Case => ({ needs: "postgres", engine: "PostgreSQL", ...each })),
  ...clusterSettings.flatMap(({ setting, ...traits }) =>
    drivers.map(({ driver, connect }): Case => {
      const start = () => onCluster(connect, traits);
      return { needs: "redis", engine: "Redis Cluster", setting, driver, promises: traits.waits, start };
    }),
  ),
];

/** What became of it, as the table in docs/stores.md has it. */
export interface Result {
  readonly clients: number;
  /** Of these, how many had their session on what was killed. */
  readonly hit: number;
  readonly acknowledged: number;
  /** Of the acknowledged writes. */
  readonly missing: number;
  /** How many 503s, by their code. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the kill until the first client that had seen an error wrote again, and until the last of them did. */
  readonly seconds: readonly [first: number, last: number];
}

export interface Size {
  readonly clients: number;
  /** How many writes of each client are acknowledged before the kill, and again after it, at least. */
  readonly writes: number;
}

type Tell = (which: Case, result: Result) => void;

/** Clients write numbers over sockets, the engine is killed, and the app goes on. `tell` hears what became of it. */
export function testKills(some: readonly Case[], size: Size, tell: Tell = () => {}): void {
  for (const each of some) {
    const { needs, engine, setting, driver, promises, start } = each;
    describeWith(needs)(`kill -9 of ${engine} (${setting}) by ${driver} while ${size.clients} clients write`, () => {
      const kept = promises ? "no acknowledged write is missing, " : "";
      test(
        `${kept}errors are 503s, every session goes on, and so does the app`,
        async () => {
          const mortal = await start();
          const app = await startApp(mortal.store);
          const writers = Array.from({ length: size.clients }, () => new Writer(app.origin));
          try {
            const result = await killAmong(mortal, writers, size.writes);
            tell(each, result);
            if (promises) expect(result.missing).toBe(0);
          } finally {
            for (const writer of writers) writer.close();
            await app.close();
            await mortal.stop();
          }
        },
        5 * 60_000,
      );
    });
  }
}

async function killAmong(mortal: Mortal, writers: readonly Writer[], writes: number): Promise<Result> {
  let isDead = false;
  let atWork = [...writers];
  const work = writers.map(async (writer) => {
    for (let after = 0; after < writes; ) {
      const isAfter = isDead;
      if ((await writer.write()) && isAfter) after++;
    }
    atWork = atWork.filter((other) => other !== writer);
  });
  const working = Promise.all(work);
  // Whatever fails below, nobody is left without an ear.
  working.catch(() => {});
  /** Resolves when all of them are so; rejects when one of all fails meanwhile, and after a minute. */
  const until = async (some: readonly Writer[], isSo: (writer: Writer) => boolean) => {
    const poll = expect.poll(() => some.filter((writer) => !isSo(writer)).map(({ last }) => last), patience);
    await Promise.race([Promise.all([working, new Promise(() => {})]), poll.toEqual([])]);
  };

  await until(writers, ({ acknowledged }) => acknowledged.length >= writes);
  const ids = writers.map(({ id }) => id);
  await mortal.weaken(ids);
  const before = new Map(writers.map((writer) => [writer, writer.answers]));
  await until(writers, (writer) => writer.answers >= (before.get(writer) ?? 0) + 2);
  const killedAt = performance.now();
  const hit = await mortal.kill(ids);
  isDead = true;
  const those = writers.filter(({ id }) => hit.has(id));
  // Or were answered without one, the failover having been faster than they.
  await until(those, (writer) => writer.failures.length > 0 || !atWork.includes(writer));
  await mortal.recover();
  await until(writers, (writer) => !atWork.includes(writer));

  const failures: Record<string, number> = {};
  for (const failure of writers.flatMap((writer) => writer.failures)) failures[failure] = (failures[failure] ?? 0) + 1;
  expect(["store_unavailable", "store_timeout"]).toEqual(expect.arrayContaining(Object.keys(failures)));

  let missing = 0;
  for (const writer of writers) {
    const stored = await writer.read();
    missing += writer.acknowledged.filter((n) => !stored.has(n)).length;
  }
  const times = those.flatMap(({ wroteAgainAt }) => (wroteAgainAt === null ? [] : (wroteAgainAt - killedAt) / 1_000));
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  const seconds = [Math.min(...times), Math.max(...times)] as const;
  return { clients: writers.length, hit: those.length, acknowledged, missing, failures, seconds };
}
