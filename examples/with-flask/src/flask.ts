import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Starts the Flask app on Flask's own server; resolves when it takes connections. */
export async function startFlask(port: number, secretKey: string): Promise<ChildProcess> {
  const app = fileURLToPath(new URL("../flask/app.py", import.meta.url));
  const args = ["-B", "-u", "-m", "flask", "--app", app, "run", "--port", String(port), "--no-reload", "--no-debugger"];
  const flask = spawn(findPython(), args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, FLASK_SECRET_KEY: secretKey },
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    flask.stderr.on("data", (chunk) => {
      said = (said + String(chunk)).slice(-4_000);
      if (said.includes("Running on")) resolve();
    });
    flask.once("exit", () => reject(new Error(`Flask did not start:\n${said}`)));
  });
  return flask;
}

/** A Python that has Flask and Flask-Login: `PYTHON`, then Debian's own, then the one on the PATH. */
function findPython(): string {
  const candidates = [process.env.PYTHON ?? "", "/usr/bin/python3", "python3"].filter((path) => path !== "");
  const found = candidates.find((path) => spawnSync(path, ["-c", "import flask, flask_login"]).status === 0);
  if (found !== undefined) return found;
  throw new Error(
    "No Python here has Flask and Flask-Login. On Debian and Ubuntu: apt-get install python3-flask python3-flask-login. " +
      "Elsewhere: python3 -m venv venv && venv/bin/pip install flask flask-login, then PYTHON=venv/bin/python npm start.",
  );
}
