import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createApp } from "./app.ts";
import { startFlask } from "./flask.ts";
import { createProxy } from "./proxy.ts";

/** One secret for both apps. A new one at each start, unless the environment has one: everybody is then signed out. */
const secretKey = process.env.FLASK_SECRET_KEY || randomBytes(32).toString("hex");

try {
  const flaskPort = await freePort();
  const flask = await startFlask(flaskPort, secretKey);
  process.on("exit", () => flask.kill());
  flask.once("exit", () => process.exit(1));

  const typescriptPort = await listen(createServer(getRequestListener(createApp(secretKey).fetch)), 0, "127.0.0.1");
  const port = await listen(
    createProxy({ flask: flaskPort, typescript: typescriptPort }),
    Number(process.env.PORT ?? 8000),
  );
  console.log(`Flask:      http://localhost:${port}/\nTypeScript: http://localhost:${port}/ts`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

async function listen(server: Server, port: number, host?: string): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A port that is free now: Flask's own server can't be asked which one it took. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, 0, "127.0.0.1");
  server.close();
  await once(server, "close");
  return port;
}
