import { join } from "node:path";
import { python } from "../../../test/support/services/flask.ts";
import { dataFolder, freePort, type Server, startServer } from "../../../test/support/services/server.ts";

/** Both apps and the proxy before them, as `npm run example:flask` runs them. */
export async function startExample(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const port = await freePort();
  return startServer(
    {
      command: process.execPath,
      args: ["--conditions=flagon-source", join(import.meta.dirname, "../src/main.ts")],
      env: { PORT: String(port), PYTHON: await python(), FLASK_SECRET_KEY: "", ...env },
      stopSignals: ["SIGTERM"],
      ready: /TypeScript: http:\/\//,
    },
    { url: `http://localhost:${port}`, port, folder: dataFolder("with-flask") },
  );
}
