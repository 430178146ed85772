/**
 * Holds which way the imports of packages/flagon/src go, by one table: a file imports from its own room and from the rooms
 * below it. Nothing goes in a circle, type-only imports included. Prints each import that does otherwise, and fails.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";

const folder = join(import.meta.dirname, "../packages/flagon/src");

/** From the top down. Rooms on one line know nothing of each other. */
const layers: readonly (readonly string[])[] = [
  ["adapters", "testing", "cli"],
  // Each adapter brings it into a program, so that an app that imports nothing else can augment `Register`.
  ["index.ts"],
  ["sessions.ts", "stores"],
  ["backends"],
  ["session.ts", "options.ts"],
  ["state", "flask"],
  ["formats"],
  ["http"],
  ["codec.ts", "events.ts"],
  ["crypto"],
  ["util"],
  ["store.ts", "errors.ts", "register.ts"],
];
/** Rooms that see less than all that is below them. */
const narrow: Readonly<Record<string, readonly string[]>> = { stores: ["store.ts", "errors.ts", "util"] };
/** The public file of a folder belongs to its room. */
const roomOfFile: Readonly<Record<string, string>> = { "flask.ts": "flask", "testing.ts": "testing" };
/** What cannot be had in another way. */
const exceptions: readonly (readonly [file: string, source: string, why: string])[] = [
  ["flask/payload.ts", "node:zlib", "Flask compresses long cookies; Workers have it with nodejs_compat"],
  [
    "adapters/next.ts",
    "next/headers.js",
    "components and actions get no request; Next hands it out by these functions alone",
  ],
  ["adapters/next.ts", "next/server.js", "what lets a request through is Next's own kind of response"],
];
/** The runtime's own modules that a room may use; elsewhere only those which Workers have too. */
const everywhere = ["node:crypto", "node:buffer", "node:diagnostics_channel"];
const onNode = ["adapters", "testing", "cli", "stores"];

const faults: string[] = [];
const importsOf = new Map<string, string[]>();
for (const file of globSync("**/*.ts", { cwd: folder })) importsOf.set(file, check(file));
for (const circle of circles()) faults.push(`in a circle: ${circle.join(" → ")}`);

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${importsOf.size} files, ${[...importsOf.values()].flat().length} imports, all of them downwards`);

/** Reports what the file may not import; returns the files that it does import. */
function check(file: string): string[] {
  const text = readFileSync(join(folder, file), "utf8");
  const { module } = parseSync(file, text);
  const room = roomOf(file);
  const files: string[] = [];
  const sources = [
    ...module.staticImports.map((each) => ({
      from: each.moduleRequest.value,
      isType: each.entries.every((e) => e.isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap((e) => (e.moduleRequest ? [{ from: e.moduleRequest.value, isType: e.isType }] : [])),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
      from: text.slice(start, end).replace(/^["'`]|["'`]$/g, ""),
      isType: false,
    })),
  ];
  for (const { from, isType } of sources) {
    if (exceptions.some(([where, what]) => where === file && what === from)) continue;
    if (from.startsWith(".")) {
      const target = join(dirname(file), from);
      if (!files.includes(target)) files.push(target);
      if (!maySee(room, roomOf(target)))
        faults.push(`${file} imports ${target}: ${roomOf(target)} is not below ${room}`);
    } else if (from.startsWith("node:")) {
      if (!isType && !everywhere.includes(from) && !onNode.includes(room)) {
        faults.push(`${file} imports ${from}, which not every runtime has`);
      }
    } else if (room !== "adapters" || !isType) {
      faults.push(`${file} imports ${from}: only adapters know a framework, and only by type`);
    }
  }
  return files;
}

function roomOf(file: string): string {
  return roomOfFile[file] ?? (file.split("/")[0] as string);
}

function maySee(room: string, other: string): boolean {
  if (room === other || narrow[room]?.includes(other)) return true;
  const height = (name: string): number => {
    const found = layers.findIndex((layer) => layer.includes(name));
    if (found === -1) faults.push(`${name} has no layer`);
    return found;
  };
  return narrow[room] === undefined && height(other) > height(room);
}

/** Each circle of files, once, from where it was entered. */
function circles(): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) found.push([...path.slice(start), file]);
    if (start !== -1 || done.has(file)) return;
    for (const next of importsOf.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of importsOf.keys()) walk(file, []);
  return found;
}
