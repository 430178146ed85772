import { join } from "node:path";
import { dataFolder, freePort, type Server, startServer } from "../../../test/support/services/server.ts";

export const main: string = join(import.meta.dirname, "../src/main.ts");

/** The whole example, as `npm run example:cluster` runs it. */
export async function startExample(): Promise<Server> {
  const port = await freePort();
  return startServer(
    {
      command: process.execPath,
      args: ["--conditions=flagon-source", main],
      env: { PORT: String(port) },
      stopSignals: ["SIGINT", "SIGINT"],
      ready: /http:\/\//,
    },
    { url: `http://localhost:${port}`, port, folder: dataFolder("cluster") },
  );
}
