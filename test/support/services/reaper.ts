/**
 * Outlives a test's process, and then ends the servers that it left and removes their folders. It hears of them on its
 * standard input, which closes when that process is gone, however it went.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";

/** A folder to remove, or the process number of a server that was started, or that has ended. */
export type Message = { readonly folder: string } | { readonly started: number } | { readonly ended: number };

const pids = new Set<number>();
const folders = new Set<string>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  if ("folder" in message) folders.add(message.folder);
  else if ("started" in message) pids.add(message.started);
  else pids.delete(message.ended);
}
for (const pid of pids) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
