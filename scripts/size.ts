/**
 * What Flagon adds to a server that is bundled: the core (`createSessions` and all that it needs at once), and what each door
 * adds to it. Bundled by esbuild, minified by terser, gzipped. What is imported only when it is needed (`import()`) is not
 * loaded with the core and has a row of its own. Fails when a row is over its limit.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";

const CORE_BYTES_MAX = 9_000;
const DOOR_BYTES_MAX = 2_000;
/**
 * What may be larger than a framework's door: Flask's format is a second format, with Python's JSON in it; each store speaks
 * to several clients. Next hands no request through, and has four places that each see another part of it. Tests alone carry
 * `testing`.
 */
const limits: Readonly<Record<string, number>> = {
  "flagon/flask": 8_700,
  "flagon/next": 2_300,
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
  path === "." || typeof target === "string" ? [] : [{ name: join("flagon", path), file: target["flagon-source"] }],
);

const core = 'export { createSessions } from "./src/index.ts";';
const coreBytes = await gzippedBytes(core);
const lateBytes = (await gzippedBytes(core, [])) - coreBytes;
const rows = [
  row("flagon", coreBytes, CORE_BYTES_MAX),
  row("+ what a store brings", lateBytes, Number.POSITIVE_INFINITY),
];
for (const { name, file } of doors) {
  const added = (await gzippedBytes(`${core} export * from ${JSON.stringify(file)};`)) - coreBytes;
  rows.push(row(`+ ${name}`, added, limits[name] ?? DOOR_BYTES_MAX));
}
console.log(`${"".padEnd(24)}${"min+gz".padStart(9)}${"limit".padStart(9)}`);
for (const { text } of rows) console.log(text);
if (rows.some(({ isOver }) => isOver)) process.exitCode = 1;

function row(name: string, bytes: number, max: number): { text: string; isOver: boolean } {
  const isOver = bytes >= max;
  const limit = Number.isFinite(max) ? String(max) : "none";
  const text = `${name.padEnd(24)}${String(bytes).padStart(9)}${limit.padStart(9)}${isOver ? "  TOO LARGE" : ""}`;
  return { text, isOver };
}

/** Of what the module exports and all that needs; what is `late` is left where it is. */
async function gzippedBytes(
  contents: string,
  late: readonly string[] = ["*/create-backend.ts", "*/late-look.ts"],
): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    absWorkingDir: folder,
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    external: [...late],
  });
  const { code } = await minify(outputFiles[0]?.text ?? "", { module: true, compress: { passes: 3 }, ecma: 2020 });
  return gzipSync(code ?? "", { level: 9 }).length;
}
