import { beforeEach } from "vitest";

/** What Flagon remembers for the process, as `src/util/process-memory.ts` keeps it. */
const memory: unique symbol = Symbol.for("flagon.memory.v1") as never;

// Each test stands for a process of its own: many begin with the same ids and the same moment.
beforeEach(() => (globalThis as { [memory]?: Map<string, object> })[memory]?.clear());
