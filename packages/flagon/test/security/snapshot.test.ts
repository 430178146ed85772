import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flagon-snapshot-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What prints a new session's id, and the nonce that its cookie was sealed with; the first one is made while building. */
const app = `
import { createSessions } from "flagon";
import v8 from "node:v8";

function begin() {
  const sessions = createSessions({ secret: "p7Qw-2ZrT.s9Vb4_XcK1~mHy6!dLf0Gj" });
  const session = sessions.open({ method: "GET", url: "https://shop.example/", header: () => null });
  session.set("a", 1);
  const [[, line]] = sessions.commit(session);
  const bytes = Buffer.from(line.slice(line.indexOf("=") + 1, line.indexOf(";")), "base64url");
  return session.id + " " + bytes.subarray(8, 20).toString("hex");
}

begin();
v8.startupSnapshot.setDeserializeMainFunction(() => console.log(begin()));
`;

test("processes that start from one snapshot share no ids and no nonces", { timeout: 60_000 }, async () => {
  const script = join(folder, "app.cjs");
  const blob = join(folder, "app.blob");
  await build({
    stdin: { contents: app, resolveDir: import.meta.dirname },
    bundle: true,
    platform: "node",
    format: "cjs",
    conditions: ["flagon-source"],
    outfile: script,
    logLevel: "error",
  });
  const node = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: "utf8", stdio: "pipe" });
  node("--snapshot-blob", blob, "--build-snapshot", script);
  const [one = "", two = ""] = [node("--snapshot-blob", blob), node("--snapshot-blob", blob)].map((text) =>
    text.trim(),
  );
  for (const text of [one, two]) expect(text).toMatch(/^[\w-]{27} [0-9a-f]{24}$/);
  const [oneId, oneNonce] = one.split(" ");
  expect(two).not.toContain(oneId);
  expect(two).not.toContain(oneNonce);
});
