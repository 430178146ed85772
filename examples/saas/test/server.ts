import { join } from "node:path";
import { dataFolder, freePort, type Server, startServer } from "../../../test/support/services/server.ts";

/** The app as `npm start` runs it, on a port and with data of its own. */
export async function startApp(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const folder = dataFolder("saas");
  const port = await freePort();
  return startServer(
    {
      command: process.execPath,
      args: ["--conditions=flagon-source", join(import.meta.dirname, "../src/main.ts")],
      env: { NODE_ENV: "development", SESSION_SECRET: "", DATA_FOLDER: folder, PORT: String(port), ...env },
      stopSignals: ["SIGINT"],
      ready: /http:\/\//,
    },
    { url: `http://localhost:${port}`, port, folder },
  );
}
