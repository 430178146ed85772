/**
 * Writes packages/flagon/jsr.json from package.json: what JSR (for Deno) is to publish of the sources. With --check it writes
 * nothing and fails when the file is not current. With --dry-run Deno tries the publishing, all but the upload.
 *
 * JSR takes no module that adds to a framework's own types, since every program's types would change with it. Adapters for
 * frameworks that pass the session on their own request objects have to (docs/decisions/006-jsr.md), and are on npm alone.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./lib/packed.ts";
import { binaryOf, installRuntimes } from "./lib/runtime-packages.ts";

const npmAlone: Readonly<Record<string, string>> = {
  "./express": "express",
  "./fastify": "fastify",
  "./h3": "h3",
  "./koa": "koa",
  "./sveltekit": "@sveltejs/kit",
};

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string | { readonly "flagon-source": string }>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const folder = join(root, "packages/flagon");
const file = join(folder, "jsr.json");
const { version, license, exports, peerDependencies }: Manifest = JSON.parse(
  readFileSync(join(folder, "package.json"), "utf8"),
);

const sources = Object.entries(exports).flatMap(([path, target]) =>
  typeof target === "string" || path in npmAlone ? [] : [[path, target["flagon-source"]] as const],
);
const left = Object.entries(peerDependencies).filter(([name]) => !Object.values(npmAlone).includes(name));
const config = {
  name: "@flagon/flagon",
  version,
  license,
  exports: Object.fromEntries(sources),
  imports: Object.fromEntries(left.map(([name, range]) => [name, `npm:${name}@${range.split(" || ").at(-1)}`])),
  compilerOptions: { exactOptionalPropertyTypes: true },
  publish: {
    include: ["src/**/*.ts", "jsr.json", "README.md", "LICENSE"],
    exclude: ["src/cli", ...Object.keys(npmAlone).map((path) => `src/adapters/${path.slice(2)}.ts`)],
  },
};

if (process.argv.includes("--check") || process.argv.includes("--dry-run")) {
  if (JSON.stringify(JSON.parse(readFileSync(file, "utf8"))) !== JSON.stringify(config)) {
    console.error("packages/flagon/jsr.json is not what package.json says: run node scripts/jsr.ts");
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`);
}

if (process.argv.includes("--dry-run")) {
  installRuntimes(["deno"]);
  const args = ["publish", "--dry-run", "--allow-dirty", "--config", "jsr.json"];
  const { status, output } = run(binaryOf("deno"), args, { cwd: folder, mayFail: true });
  if (status !== 0) process.exitCode = 1;
  console.log(status === 0 ? "JSR: the dry run passed" : output);
}
