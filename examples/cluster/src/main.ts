import { check } from "./check.ts";
import { type Example, startExample } from "./example.ts";

let stopping: Promise<void> | undefined;
let isWanted = true;
let example: Example | undefined;

// Not `once`: npm passes Ctrl-C on to a process that the terminal has told already, and the second would kill it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    isWanted = false;
    // Before all is started there is nothing to stop yet: below, it is stopped as soon as it is.
    if (example !== undefined) void stop(example).then(() => process.exit(0));
  });
}

try {
  console.log("Starting six Redis nodes and three instances …");
  const started = await startExample(process.env.PORT ? Number(process.env.PORT) : null, console.log);
  example = started;
  if (!isWanted) await stop(started);
  else if (process.argv.includes("--check")) await check(started, console.log).finally(() => stop(started));
  else console.log(`A session that lasts  http://localhost:${started.port}  (Ctrl-C stops all of it)`);
  if (stopping !== undefined) process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(isWanted ? 1 : 0);
}

/** Each process by its own number, and its data with it. */
function stop(running: Example): Promise<void> {
  stopping ??= running.stop();
  return stopping;
}
