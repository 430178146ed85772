/**
 * What Flagon adds to a server that is bundled: the core (`createSessions` and all that it needs at once), and what each adapter
 * and store adds to it. Bundled and minified by esbuild and gzipped, as by anybody's own tools. What is imported only when it
 * is needed (`import()`) is not loaded with the core and has a row of its own. Fails when a row is over its limit, and when the
 * README says another size than was measured.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const CORE_BYTES_MAX = 15_100;
const ADAPTER_BYTES_MAX = 2_000;
/** How far above the measured size the README may be, so that a few bytes less need no other figure. */
const README_BYTES_OVER_MAX = 200;
/**
 * What may be larger than a framework's adapter: Fastify's has hooks of its own beside the raw response that is held
 * for what leaves without them; Next hands no request through, and has four places that each see another part of it; Flask's
 * format is a second format, with Python's JSON in it; each store speaks to several clients. Tests alone carry `testing`.
 */
const limits: Readonly<Record<string, number>> = {
  "flagon/fastify": 2_400,
  "flagon/flask": 8_900,
  "flagon/next": 2_400,
  "flagon/node": 2_200,
  "flagon/postgres": 3_400,
  "flagon/redis": 3_800,
  "flagon/sqlite": 3_100,
  "flagon/testing": Number.POSITIVE_INFINITY,
};

interface Manifest {
  exports: Record<string, string | { "flagon-source": string }>;
}

const folder = join(import.meta.dirname, "../packages/flagon");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
const entries = Object.entries(manifest.exports).flatMap(([path, target]) =>
  path === "." || typeof target === "string" ? [] : [{ name: join("flagon", path), file: target["flagon-source"] }],
);

const core = 'export { createSessions } from "./src/index.ts";';
const coreBytes = await gzippedBytes(core);
const lateBytes = (await gzippedBytes(core, [])) - coreBytes;
const rows = [
  row("flagon", coreBytes, CORE_BYTES_MAX),
  row("+ what a store brings", lateBytes, Number.POSITIVE_INFINITY),
];
for (const { name, file } of entries) {
  const added = (await gzippedBytes(`${core} export * from ${JSON.stringify(file)};`)) - coreBytes;
  rows.push(row(`+ ${name}`, added, limits[name] ?? ADAPTER_BYTES_MAX));
}
console.log(`${"".padEnd(24)}${"min+gz".padStart(9)}${"limit".padStart(9)}`);
for (const { text } of rows) console.log(text);
if (rows.some(({ isOver }) => isOver)) process.exitCode = 1;
checkReadme();

function checkReadme(): void {
  const text = readFileSync(join(folder, "../../README.md"), "utf8");
  const [, stated] = /(\d+\.\d) kB minified and gzipped/.exec(text) ?? [];
  const bytesOver = Math.round(Number(stated) * 1_000) - coreBytes;
  if (bytesOver >= 0 && bytesOver < README_BYTES_OVER_MAX) return;
  const measured = (Math.ceil(coreBytes / 100) / 10).toFixed(1);
  console.error(
    `README.md says ${stated ?? "no"} kB minified and gzipped; the core has ${coreBytes} bytes: ${measured} kB`,
  );
  process.exitCode = 1;
}

function row(name: string, bytes: number, max: number): { text: string; isOver: boolean } {
  const isOver = bytes >= max;
  const limit = Number.isFinite(max) ? String(max) : "none";
  const text = `${name.padEnd(24)}${String(bytes).padStart(9)}${limit.padStart(9)}${isOver ? "  TOO LARGE" : ""}`;
  return { text, isOver };
}

/** Of what the module exports and all that needs; what is `late` is left where it is. */
async function gzippedBytes(
  contents: string,
  late: readonly string[] = [
    "*/backends/check.ts",
    "*/create-backend.ts",
    "*/cross-site-warning.ts",
    "*/dropped-cookie.ts",
    "*/late-look.ts",
  ],
): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    external: [...late],
  });
  return gzipSync(outputFiles[0]?.text ?? "", { level: 9 }).length;
}
