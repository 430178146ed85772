import { redisStore } from "flagon/redis";
import { Redis } from "ioredis";

const shared = globalThis as { redis?: Redis };
// A build loads this file too, and has no Redis to talk to: connect at the first command.
shared.redis ??= new Redis(process.env.REDIS_URL ?? "redis://127.0.0.1:6379", { lazyConnect: true }).on(
  "error",
  (error) => console.error(`Redis: ${error.message}`),
);

export const store = redisStore(shared.redis);
