/**
 * Profiles the route that reads under load and draws the stacks as an SVG: `npm run bench -- profile`. Wide is expensive; what
 * a function calls stands under it.
 */
import { fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly kind: string;
  readonly children: Map<string, Frame>;
  microseconds: number;
}

const WIDTH = 1_200;
const ROW = 18;
const VISITORS = 500;
/** Narrower than this and a frame is not drawn. */
const WIDTH_MIN = 1.5;
const colors: Readonly<Record<string, string>> = {
  flagon: "#d98a2b",
  "node:crypto": "#7b6fc9",
  "garbage collector": "#c0504d",
  node: "#b9c0c7",
  native: "#d5dade",
  app: "#6aa36f",
};

const folder = mkdtempSync(join(tmpdir(), "flagon-profile-"));
try {
  await record();
  const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile")) ?? "";
  const root = treeOf(JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile);
  writeFileSync(join(import.meta.dirname, "../read-route.svg"), draw(root));
  for (const [kind, share] of sharesOf(root)) console.log(`${(share * 100).toFixed(1).padStart(5)} %  ${kind}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function record(): Promise<void> {
  const server = fork(join(import.meta.dirname, "server.ts"), ["node:http", "flagon"], {
    execArgv: ["--conditions=flagon-source", "--cpu-prof", `--cpu-prof-dir=${folder}`, "--cpu-prof-interval=200"],
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const [{ port }] = (await once(server, "message")) as [{ port: number }];
  const target = `http://127.0.0.1:${port}`;
  const cookies: string[] = [];
  for (let i = 0; i < VISITORS; i++) {
    const response = await fetch(`${target}/fill`);
    await response.arrayBuffer();
    cookies.push(response.headers.getSetCookie()[0]?.split(";")[0] ?? "");
  }
  writeFileSync(join(folder, "jar"), `${cookies.join("\n")}\n`);
  const script = join(import.meta.dirname, "rotate.lua");
  spawnSync("wrk", ["-t1", "-c32", "-d8s", "-s", script, target, "--", "/read", join(folder, "jar")]);
  server.disconnect();
  await once(server, "exit");
}

/** The samples of the server at work: without what it did before the load, and without idling. */
function treeOf({ nodes, samples, timeDeltas }: Profile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const root: Frame = { name: "all", kind: "node", children: new Map(), microseconds: 0 };
  samples.forEach((id, i) => {
    const path = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = byId.get(at);
      if (node && node.callFrame.functionName !== "(root)") path.unshift(node.callFrame);
    }
    const [first] = path;
    if (first === undefined || first.functionName === "(idle)" || isStart(path)) return;
    const microseconds = timeDeltas[i] ?? 0;
    let frame = root;
    frame.microseconds += microseconds;
    for (const { functionName, url } of path) {
      const kind = kindOf(functionName, url);
      const key = `${kind} ${functionName}`;
      let child = frame.children.get(key);
      if (child === undefined) {
        child = { name: functionName || "(anonymous)", kind, children: new Map(), microseconds: 0 };
        frame.children.set(key, child);
      }
      child.microseconds += microseconds;
      frame = child;
    }
  });
  return root;
}

function isStart(path: readonly { readonly url: string }[]): boolean {
  return path.some(({ url }) => /internal\/(modules|bootstrap|main|deps\/amaro)|^wasm/.test(url));
}

function kindOf(name: string, url: string): string {
  if (name === "(garbage collector)") return "garbage collector";
  if (url.includes("/packages/flagon/")) return "flagon";
  if (url.includes("internal/crypto")) return "node:crypto";
  if (url.startsWith("node:")) return "node";
  return url === "" ? "native" : "app";
}

/** Each kind's own time. What is native counts for whoever called it. */
function sharesOf(root: Frame): [kind: string, share: number][] {
  const own = new Map<string, number>();
  const walk = (frame: Frame, kind: string): void => {
    const mine = frame.kind === "native" ? kind : frame.kind;
    const below = [...frame.children.values()].reduce((sum, child) => sum + child.microseconds, 0);
    own.set(mine, (own.get(mine) ?? 0) + frame.microseconds - below);
    for (const child of frame.children.values()) walk(child, mine);
  };
  walk(root, "node");
  return [...own].map(([kind, time]): [string, number] => [kind, time / root.microseconds]).sort((a, b) => b[1] - a[1]);
}

function draw(root: Frame): string {
  const boxes: string[] = [];
  let deepest = 0;
  const place = (frame: Frame, x: number, depth: number): void => {
    const width = (frame.microseconds / root.microseconds) * WIDTH;
    if (width < WIDTH_MIN) return;
    deepest = Math.max(deepest, depth);
    const percent = ((frame.microseconds / root.microseconds) * 100).toFixed(1);
    const label = escapeXml(frame.name.slice(0, Math.floor((width - 6) / 6.4)));
    boxes.push(
      `<g><title>${escapeXml(frame.name)} ${percent} %</title><rect x="${x.toFixed(1)}" y="${depth * ROW}" width="${(width - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${colors[frame.kind]}"/>${
        width > 30 ? `<text x="${(x + 3).toFixed(1)}" y="${depth * ROW + 12}">${label}</text>` : ""
      }</g>`,
    );
    let left = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.microseconds - a.microseconds)) {
      place(child, left, depth + 1);
      left += (child.microseconds / root.microseconds) * WIDTH;
    }
  };
  place(root, 0, 0);
  const top = (deepest + 2) * ROW;
  const legend = Object.entries(colors).map(
    ([kind, color], i) =>
      `<rect x="${i * 170}" y="${top}" width="12" height="12" fill="${color}"/><text x="${i * 170 + 18}" y="${top + 10}">${kind}</text>`,
  );
  const height = top + 2 * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="ui-monospace, monospace" font-size="10.5">
<title>Where the time of a request goes that reads its session</title>
<rect width="100%" height="100%" fill="#fff"/>
${[...boxes, ...legend].join("\n")}
</svg>
`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
