/**
 * What Flagon adds to a server that is bundled: the core, and what each door adds to it. Minified by esbuild, gzipped.
 * What is imported only when it is needed (`import()`) is not loaded with the core and has a row of its own. Fails when
 * a row is over its limit.
 */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const DOOR_BYTES_MAX = 2_000;
/**
 * What may be larger than a framework's door. A quarter of the core is the words of its errors, which say what to do next;
 * Flask's format is a second format, with Python's JSON in it. Tests alone carry `testing`.
 */
const limits: Readonly<Record<string, number>> = {
  flagon: 13_200,
  "flagon/flask": 7_500,
  "flagon/postgres": 3_500,
  "flagon/redis": 3_700,
  "flagon/sqlite": 3_500,
  "flagon/testing": Number.POSITIVE_INFINITY,
};

interface Manifest {
  exports: Record<string, string | { "flagon-source": string }>;
}

const folder = join(import.meta.dirname, "../packages/flagon");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
const doors = Object.entries(manifest.exports).flatMap(([path, target]) =>
  typeof target === "string" ? [] : [{ name: join("flagon", path), file: join(folder, target["flagon-source"]) }],
);
const core = doors.filter(({ name }) => name === "flagon");

const coreBytes = await gzippedBytes(core);
const lateBytes = (await gzippedBytes(core, true)) - coreBytes;
const rows = [
  row("flagon", coreBytes, limits.flagon),
  row("+ what a store brings", lateBytes, Number.POSITIVE_INFINITY),
];
for (const door of doors) {
  if (core.includes(door)) continue;
  const added = (await gzippedBytes([...core, door])) - coreBytes;
  rows.push(row(`+ ${door.name}`, added, limits[door.name]));
}
console.log(`${"".padEnd(24)}${"min+gz".padStart(9)}${"limit".padStart(9)}`);
for (const { text } of rows) console.log(text);
if (rows.some(({ isOver }) => isOver)) process.exitCode = 1;

function row(name: string, bytes: number, max = DOOR_BYTES_MAX): { text: string; isOver: boolean } {
  const isOver = bytes > max;
  const limit = Number.isFinite(max) ? String(max) : "none";
  const text = `${name.padEnd(24)}${String(bytes).padStart(9)}${limit.padStart(9)}${isOver ? "  TOO LARGE" : ""}`;
  return { text, isOver };
}

/** Of the modules and what they import; with `late`, also of what they import only when it is needed. */
async function gzippedBytes(modules: readonly { file: string }[], late = false): Promise<number> {
  const contents = modules.map(({ file }, index) => `export * as m${index} from ${JSON.stringify(file)};`).join("\n");
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    absWorkingDir: folder,
    outdir: folder,
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
  });
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind, external } of metafile.outputs[path]?.imports ?? []) {
      if (!external && (late || kind === "import-statement")) load(next);
    }
  };
  load("stdin.js");
  const chunks = outputFiles.filter(({ path }) => loaded.has(relative(folder, path)));
  return gzipSync(Buffer.concat(chunks.map((chunk) => chunk.contents)), { level: 9 }).length;
}
