import { randomBytes } from "node:crypto";
import { createSessions, type Sessions } from "flagon";
import { run } from "../../src/cli/main.ts";
import type { OpenRequest } from "../../src/codec.ts";
import type { SessionOptions } from "../../src/options.ts";
import type { Session } from "../../src/session.ts";

export const SECRET: string = randomBytes(32).toString("base64url");
export const OTHER_SECRET: string = randomBytes(32).toString("base64url");

/** 2026-03-01 12:30 UTC. */
export const NOW: number = Date.UTC(2026, 2, 1, 12, 30);
export const MINUTE: number = 60_000;

export interface World {
  readonly env?: Record<string, string>;
  readonly input?: string;
  readonly now?: number;
  readonly colours?: boolean;
  readonly columns?: number;
  readonly cwd?: string;
}

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line within this process, in a world of the test's own. */
export async function flagon(args: readonly string[], world: World = {}): Promise<Answer> {
  const { env = { SESSION_SECRET: SECRET }, input, now = NOW, colours = false, columns = 100 } = world;
  const said = { out: "", err: "" };
  const code = await run(args, {
    env,
    cwd: world.cwd ?? import.meta.dirname,
    colours,
    columns,
    now: () => now,
    out(text) {
      said.out += text;
    },
    err(text) {
      said.err += text;
    },
    isPiped: input !== undefined,
    input: async () => input ?? "",
  });
  return { code, ...said };
}

/** What `flagon inspect --json` says of the first cookie. */
export async function inspected(args: readonly string[], world?: World): Promise<Answer & { first: Inspected }> {
  const answer = await flagon(["inspect", "--json", ...args], world);
  const [first] = JSON.parse(answer.out) as Inspected[];
  if (first === undefined) throw new Error("nothing was found");
  return { ...answer, first };
}

export interface Inspected {
  name: string | null;
  bytes: number;
  format: string;
  verdict: string;
  reason: string | null;
  why: string;
  session: {
    id: string;
    userId: string | null;
    device: string | null;
    permanent: boolean;
    createdAt: string | null;
    renewedAt: string;
    idleEndsAt: string | null;
    absoluteEndsAt: string | null;
    secret: { index: number; count: number; keyId: string } | null;
    keys: Record<string, number>;
    flashes: { message: string; category: string }[];
    data?: unknown;
  } | null;
}

type Options = Omit<SessionOptions<Record<string, unknown>>, "now">;

/** A Set-Cookie line as a server that runs at `now` writes it, without its attributes: `name=value`. */
export async function cookie(
  fill: (session: Session<Record<string, unknown>>) => void,
  options: Options = {},
  { now = NOW, header = "" }: { now?: number; header?: string } = {},
): Promise<string> {
  const made = createSessions({ secret: SECRET, ...options, now: () => now });
  return (await visit(made, fill, header)).split(";")[0] ?? "";
}

/** One request to these sessions; resolves its Set-Cookie line, or "" without one. */
export async function visit(
  sessions: Sessions<Record<string, unknown>>,
  fill: (session: Session<Record<string, unknown>>) => void,
  header = "",
): Promise<string> {
  const request: OpenRequest = {
    method: "GET",
    url: "https://app.example/",
    header: (name) =>
      name === "cookie" ? header : name === "user-agent" ? "Mozilla/5.0 (X11; Linux) Firefox/140.0" : null,
  };
  const session = await sessions.open(request);
  fill(session);
  const lines = await sessions.commit(session);
  return lines.find(([name]) => name.toLowerCase() === "set-cookie")?.[1] ?? "";
}
