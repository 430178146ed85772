import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createBalancer } from "./balancer.ts";
import { Instances } from "./instances.ts";
import { lookAt, startNodes } from "./redis-nodes.ts";
import { masterOf, type State, type Wish } from "./state.ts";
import { changes } from "./words.ts";

export interface Example {
  readonly port: number;
  state(): State;
  /** Ends each process that was started, and removes its data. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 300;

/** Six Redis nodes, three instances and the balancer before them. `say` hears of what is lost and of what comes back. */
export async function startExample(wishedPort: number | null, say: (line: string) => void): Promise<Example> {
  const redis = await startNodes();
  const settings = { secret: randomBytes(32).toString("base64url"), redisPorts: redis.nodes.map(({ port }) => port) };
  const instances = new Instances(settings, grant);
  const balancer = createBalancer(() => [...instances.ports.values()]);
  let state: State = { instances: instances.states, nodes: await lookAt(redis.nodes) };
  let isStopped = false;

  /** Looks again, and tells everybody who shows it. */
  async function look(): Promise<void> {
    const nodes = await lookAt(redis.nodes);
    if (isStopped) return;
    const before = state;
    state = { instances: instances.states, nodes };
    for (const line of changes(before, state)) say(line);
    instances.tell(state);
  }

  async function grant(wish: Wish): Promise<void> {
    if ("bringAllBack" in wish) {
      const lost = (await lookAt(redis.nodes)).filter(({ role }) => role === "lost");
      await Promise.all(lost.map(({ number }) => redis.nodes[number - 1]?.restart()));
      await redis.untilHealthy();
      await instances.startMissing();
    } else if (wish.lose === "instance") {
      await instances.lose(wish.name);
    } else {
      const owner = masterOf(wish.slot, state.nodes);
      if (owner !== null) await redis.nodes[owner.number - 1]?.kill9();
    }
    await look();
  }

  async function stop(): Promise<void> {
    isStopped = true;
    clearInterval(looking);
    balancer.close();
    balancer.closeAllConnections();
    await Promise.all([instances.stop(), redis.stop()]);
  }

  // What starts is not "back": until all have started, nobody looks.
  let isLooking = true;
  const looking = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => {
      isLooking = false;
    });
  }, LOOK_EVERY_MS);
  try {
    await instances.startMissing();
    const port = await listen(balancer, wishedPort);
    state = { ...state, instances: instances.states };
    await look();
    isLooking = false;
    return { port, state: () => state, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const firstPort = 8_000;

/** The wished port; else the first free one from 8000 on. */
async function listen(server: Server, wished: number | null): Promise<number> {
  const candidates = wished === null ? [...Array(20).keys()].map((index) => firstPort + index).concat(0) : [wished];
  for (const port of candidates) {
    if (await tryPort(server, port)) return (server.address() as AddressInfo).port;
  }
  throw new Error(`Port ${wished} is taken. Set PORT to another one, or leave it out to have one picked.`);
}

function tryPort(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    };
    server.once("error", onError);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", onError);
      resolve(true);
    });
  });
}
