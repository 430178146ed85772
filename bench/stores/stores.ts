/**
 * What a session costs in each engine, and how that changes with the number of them:
 *
 *   node --conditions=flagon-source bench/stores/stores.ts [sqlite] [postgres] [redis] [--rows=1000,100000,1000000]
 *
 * BENCH_DIR is where SQLite's files go, when the temporary folder is no real disk.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { quantile, table } from "../lib/stats.ts";
import { type Engine, postgres, redis, sqlite } from "./engines.ts";
import { HOUR_MS, idOf, rowOf, START } from "./rows.ts";

const { values, positionals } = parseArgs({ options: { rows: { type: "string" } }, allowPositionals: true });
const sizes = (values.rows ?? "1000,100000,1000000").split(",").map(Number);
const chosen = positionals.length > 0 ? positionals : ["sqlite", "postgres", "redis"];

let time = START;
const now = (): number => time;
const engines: Record<string, (() => Promise<Engine>)[]> = {
  sqlite: [() => sqlite("full", now), () => sqlite("normal", now)],
  postgres: [() => postgres(now)],
  redis: [() => redis(now)],
};

const costs: string[][] = [];
const prunings: string[][] = [];
for (const make of chosen.flatMap((name) => engines[name] ?? [])) {
  time = START;
  const engine = await make();
  // Redis has its sessions in memory: a tenth of what the others are asked to hold.
  const ours = engine.title.startsWith("Redis") ? sizes.filter((size) => size <= 100_000) : sizes;
  let filled = 0;
  for (const size of ours) {
    await engine.fill(filled, size);
    filled = size;
    costs.push(await costOf(engine, size));
    console.error(costs.at(-1)?.join("  "));
  }
  if (!engine.title.startsWith("Redis")) prunings.push(await pruningOf(engine, filled));
  await engine.close();
}

const head = ["engine", "sessions", "read", "replace", "touch", "create", "list by user", "bytes per session"];
console.log(`${table(head, costs)}\n\nMicroseconds, one call after another: median (and the slowest of a hundred).\n`);
if (prunings.length > 0) {
  const pruning = ["engine", "sessions", "removed", "took", "a request alone", "a request meanwhile", "the slowest"];
  console.log(
    `${table(pruning, prunings)}\n\nA request: one read, one replace, begun every 20 ms; its milliseconds count from when it was due.`,
  );
}

async function costOf({ title, store, bytes }: Engine, size: number): Promise<string[]> {
  const count = 2_000;
  const pick = (): number => Math.floor(Math.random() * size);
  const perSession = Math.round((await bytes()) / size);
  const versions = new Map<number, number>();
  const read = await timed(count, async () => void (await store.read(idOf(pick()))));
  const replace = await timed(count, async () => {
    const n = pick();
    const version = versions.get(n) ?? 1;
    const row = rowOf(n);
    versions.set(n, version + 1);
    if (!(await store.replace({ ...row, version: version + 1, expiresAt: row.expiresAt + version }, version)))
      throw new Error("lost");
  });
  let later = 1;
  const touch = await timed(count, () =>
    store.touch(idOf(pick()), { expiresAt: START + 720 * HOUR_MS + later++, lastSeenAt: time }),
  );
  const list = await timed(count, async () => void (await store.list(`user-${Math.floor(pick() / 9)}`)));
  let fresh = 0;
  const create = await timed(count, () =>
    store.create({ ...rowOf(1), id: `fresh-${fresh}`, userId: `fresh-${fresh++}` }),
  );
  for (let n = 0; n < fresh; n++) await store.delete(`fresh-${n}`);
  // The versions of what the next size begins with.
  for (const [n, version] of versions) {
    const row = rowOf(n);
    if (version > 1) {
      await store.delete(row.id);
      await store.create(row);
    }
  }
  return [title, size.toLocaleString("en"), ...[read, replace, touch, create, list].map(micros), String(perSession)];
}

async function pruningOf({ title, store }: Engine, size: number): Promise<string[]> {
  const alone = await requests(store, size, sleep(3_000));
  const moment = START + HOUR_MS;
  const begin = performance.now();
  const pruning = store.deleteExpired(moment + 10_000_000);
  const meanwhile = await requests(store, size, pruning);
  const took = performance.now() - begin;
  const millis = (all: number[], share: number): string => quantile(all, share).toFixed(2);
  const usual = (all: number[]): string => `${millis(all, 0.5)} ms (${millis(all, 0.99)})`;
  const removed = (await pruning).toLocaleString("en");
  const slowest = `${Math.max(...meanwhile).toFixed(1)} ms`;
  return [
    title,
    size.toLocaleString("en"),
    removed,
    `${(took / 1000).toFixed(1)} s`,
    usual(alone),
    usual(meanwhile),
    slowest,
  ];
}

/** How long requests take that come at their own pace, each to a session of its own that does not end. */
async function requests(store: Engine["store"], size: number, until: Promise<unknown>): Promise<number[]> {
  let isOver = false;
  void until.finally(() => {
    isOver = true;
  });
  const took: number[] = [];
  const work: Promise<void>[] = [];
  for (let due = performance.now(); !isOver; due += 20) {
    await sleep(Math.max(due - performance.now(), 0));
    work.push(request(store, size).then(() => void took.push(performance.now() - due)));
  }
  await Promise.all(work);
  return took;
}

async function request(store: Engine["store"], size: number): Promise<void> {
  const n = Math.floor((Math.random() * size) / 10) * 10 + 1;
  const session = await store.read(idOf(n));
  if (session === null) throw new Error("a live session is gone");
  await store.replace({ ...session, version: session.version + 1 }, session.version);
}

async function timed(count: number, act: () => Promise<void>): Promise<number[]> {
  for (let n = 0; n < 100; n++) await act();
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    const begin = performance.now();
    await act();
    took.push((performance.now() - begin) * 1000);
  }
  return took;
}

function micros(took: number[]): string {
  return `${quantile(took, 0.5).toFixed(0)} (${quantile(took, 0.99).toFixed(0)})`;
}
