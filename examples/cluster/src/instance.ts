/** One instance of the app. All that it knows of its neighbours is what the page shows. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import type { InstanceSettings } from "./instances.ts";
import { openSessions } from "./sessions.ts";
import type { FromInstance, State, ToInstance, Wish } from "./state.ts";

// Ctrl-C reaches all processes of a terminal. The one that started this one ends it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.once("disconnect", () => process.exit(0));

const { secret, redisPorts } = JSON.parse(process.env.SETTINGS ?? "{}") as InstanceSettings;
const sessions = await openSessions(redisPorts, secret);

let state: State = { instances: [], nodes: [] };
const waiting = new Map<number, () => void>();
process.on("message", (message: ToInstance) => {
  if ("state" in message) state = message.state;
  else {
    waiting.get(message.done)?.();
    waiting.delete(message.done);
  }
});

let count = 0;
function grant(wish: Wish): Promise<void> {
  const number = count++;
  return new Promise((resolve) => {
    waiting.set(number, resolve);
    tell({ wish, number });
  });
}

const app = createApp({ name: process.env.INSTANCE ?? "?", sessions, state: () => state, grant });
const server = createServer(getRequestListener(app.fetch));
server.listen(0, "127.0.0.1", () => tell({ listening: (server.address() as AddressInfo).port }));

function tell(message: FromInstance): void {
  process.send?.(message);
}
