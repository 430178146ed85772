import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A port that leads to another one, and is listened to on the way. */
export interface Wire {
  readonly port: number;
  /**
   * How often somebody waited for an answer while `work` ran and a moment after: how often the client spoke again after
   * the server had. Questions that go out together, on however many connections, are one.
   */
  during(work: () => Promise<unknown>, afterwardsMs: number): Promise<number>;
  close(): Promise<void>;
}

export async function tapped(port: number): Promise<Wire> {
  let turns = 0;
  let isClients = false;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.setNoDelay(true));
    // The app's client hears of a lost connection by itself.
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = keep(connect(port, "127.0.0.1"));
    keep(near).on("data", (chunk) => {
      if (!isClients) turns++;
      isClients = true;
      far.write(chunk);
    });
    far.on("data", (chunk) => {
      isClients = false;
      near.write(chunk);
    });
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async during(work, afterwardsMs) {
      const before = turns;
      await work();
      await sleep(afterwardsMs);
      return turns - before;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
