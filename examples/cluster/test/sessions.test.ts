import type { HeaderLine, Sessions } from "flagon";
import { createClient } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { type RedisCluster, startRedisCluster } from "../../../test/support/services/index.ts";
import { openSessions } from "../src/sessions.ts";
import { rowIdOf, slotOf } from "../src/state.ts";

const secret = "N0t-a-secret-but-l0ng-and-mixed-en0ugh-f0r-tests";

describeWith("redis")("sessions on a Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  let sessions: Sessions;
  beforeAll(async () => {
    const ports = cluster.nodes.map(({ port }) => port);
    sessions = await openSessions(ports, secret);
  });
  const open = (cookie: string | null) =>
    sessions.open({ method: "GET", url: "http://localhost/", header: (name) => (name === "cookie" ? cookie : null) });

  test("are acknowledged when a replica has them, and reading waits for nobody", async () => {
    const session = await open(null);
    session.login("ada");
    session.set("count", 1);
    const cookie = cookieOf(await sessions.commit(session));
    expect(await waits()).toBe(1);

    const again = await open(cookie);
    expect([again.userId, again.get("count")]).toEqual(["ada", 1]);
    await sessions.commit(again);
    expect(await waits()).toBe(1);

    const changed = await open(cookie);
    changed.update("count", (count = 0) => count + 1);
    await sessions.commit(changed);
    expect(await waits()).toBe(2);

    const key = `flagon:s:${rowIdOf(session.id)}`;
    expect(slotOf(rowIdOf(session.id))).toBe(Number(await ask(cluster.urls[0] ?? "", "CLUSTER", "KEYSLOT", key)));
    expect(await ask((await cluster.masterOf(key)).url, "EXISTS", key)).toBe("1");
  });

  test("on one master are written while another one is lost", async () => {
    const session = await open(null);
    session.set("count", 1);
    const cookie = cookieOf(await sessions.commit(session));
    const owner = await cluster.masterOf(`flagon:s:${rowIdOf(session.id)}`);
    const other = cluster.nodes.slice(0, 3).find((node) => node.port !== owner.port);
    const changed = await open(cookie);
    changed.set("count", 2);
    await other?.kill9();
    await sessions.commit(changed);
    expect((await open(cookie)).get("count")).toBe(2);
  });

  /** How many WAITs all nodes together have had. */
  async function waits(): Promise<number> {
    const reports = await Promise.all(cluster.urls.map((url) => ask(url, "INFO", "commandstats")));
    return reports.reduce((sum, report) => sum + Number(/cmdstat_wait:calls=(\d+)/.exec(report)?.[1] ?? 0), 0);
  }
});

function cookieOf(lines: readonly HeaderLine[]): string {
  return lines.find(([name]) => name === "Set-Cookie")?.[1].split(";")[0] ?? "";
}

async function ask(url: string, ...command: string[]): Promise<string> {
  const client = await createClient({ url }).connect();
  try {
    return String(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
}
