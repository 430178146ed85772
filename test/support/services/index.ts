/**
 * Real servers for tests: `await startRedis()` and the like, in `beforeAll`, and `stop()` in `afterAll`. Which ones a test
 * file needs is read off its imports before the first test runs (needed-services.ts), and what the machine lacks is
 * installed then, once. Wrap what needs a service in `describeWith("redis")("…", () => …)`.
 */
export { chromiumOptions, openProfile, profileFolder, startChromium } from "./chromium.ts";
export { type FlaskOptions, python, runPython, startFlask } from "./flask.ts";
export { type NginxOptions, startNginx } from "./nginx.ts";
export { type PostgresOptions, startPostgres } from "./postgres.ts";
export { type RedisOptions, startRedis } from "./redis.ts";
export { type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
export type { Server } from "./server.ts";
