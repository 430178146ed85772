import type { Start } from "./common.ts";

/** By framework, then by session library; loaded one at a time, since a framework may change what is global. */
export const servers: Readonly<Record<string, () => Promise<Record<string, Start>>>> = {
  "node:http": async () => (await import("./node.ts")).node,
  Express: async () => (await import("./express.ts")).expressServers,
  Hono: async () => (await import("./hono.ts")).hono,
  Fastify: async () => (await import("./fastify.ts")).fastify,
  Koa: async () => (await import("./koa.ts")).koa,
};
