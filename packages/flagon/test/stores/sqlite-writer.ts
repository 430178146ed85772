import { sqliteStore } from "flagon/sqlite";
import { patterned } from "./patterned.ts";
import { storedSession } from "./stored-session.ts";

/**
 * A second process that writes to a file as fast as it can, and says each version only once it is written:
 *
 *   node sqlite-writer.ts <path> <id>
 */
const [path, id = ""] = process.argv.slice(2);
const store = sqliteStore(path, { now: () => 0, busyTimeoutMs: 10_000 });
const first = await store.read(id);
let version = first?.version ?? 0;
if (first === null) await store.create(storedSession({ id, version: ++version, data: patterned(version), userId: id }));
for (;;) {
  const next = storedSession({ id, version: version + 1, data: patterned(version + 1), userId: id });
  if (!(await store.replace(next, version))) throw new Error("somebody else wrote this session");
  version++;
  process.stdout.write(`${version}\n`);
}
