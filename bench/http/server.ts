/**
 * One framework with one session library: `node server.ts express flagon`. Tells its parent the port, and its processor time
 * when asked. Every variant answers the same three routes with the same bodies; `/fill` makes the session to begin with.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { servers } from "./servers/index.ts";

const [framework = "", variant = ""] = process.argv.slice(2);
const start = (await servers[framework]?.())?.[variant];
if (start === undefined) throw new Error(`no server ${framework} ${variant}`);
const server: Server = await start();
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("message", () => process.send?.({ cpu: process.cpuUsage() }));
process.on("disconnect", () => process.exit());
