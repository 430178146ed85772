import { createInterface } from "node:readline";
import { createSessions } from "flagon";
import { SECRET } from "../../browser.ts";
import { type Address, connectTo } from "./engines.ts";

/* Another process of the app: signs a user out everywhere for each line that it reads, and says so. */
const { store, close } = await connectTo(process.argv[2] as Address);
const sessions = createSessions({ secret: SECRET, store });
process.stdout.write("ready\n");
for await (const userId of createInterface({ input: process.stdin })) {
  await sessions.revokeUser(userId);
  process.stdout.write(`${userId}\n`);
}
await close();
