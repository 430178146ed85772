/**
 * Walks a newcomer's path for each framework in docs/guide.md: an empty folder (or what the framework's own starter makes),
 * the packed package installed, the guide's files written, its types checked, its commands run as they stand there, and a
 * counter that has to count over real requests. Then projects with what people have beside their framework, from their
 * lockfiles: session plug-ins of Express, libraries that stream, and sockets. Last, npm has to find a place for the package in projects
 * with each major of each framework.
 *
 *   npm run test:newcomer             every section and project
 *   npm run test:newcomer -- Koa h3   some
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Section, sectionsOf } from "./lib/guide.ts";
import { emptyProject, packFlagon, root, run } from "./lib/packed.ts";
import { runtimeOnPath } from "./lib/runtime-packages.ts";
import { freePort, serve } from "./lib/serve.ts";

const skeletons = join(root, "scripts/newcomer");
const asked = process.argv.slice(2);
const isAsked = (name: string): boolean => asked.length === 0 || asked.includes(name);
const guide = sectionsOf(readFileSync(join(root, "docs/guide.md"), "utf8"));
const sections = guide.filter(({ title }) => isAsked(title));

/** Projects with tests of their own, and the section of the guide whose files those use. */
const projects = [
  { name: "express-plugins", section: "Passport" },
  { name: "streams", section: null },
  { name: "sockets", section: null },
].filter(({ name }) => isAsked(name));

/** The majors that projects have, served or not: whichever adapter an app uses, the package installs beside all of them. */
const majors = [
  ["react-router@6", "koa@2", "next@15", "react@18", "react-dom@18", "fastify@4", "@sveltejs/kit@2", "h3@1", "hono@3"],
  ["react-router@7", "koa@3", "next@16", "react@19", "react-dom@19", "fastify@5", "hono@4", "express@4"],
  ["react-router@8", "h3@2", "express@5"],
];

/** What a TypeScript program in the section needs besides, and every starter for TypeScript brings along. */
const typesFor: Readonly<Record<string, readonly string[]>> = {
  Express: ["@types/express"],
  Koa: ["@types/koa"],
  Passport: ["@types/express", "@types/passport", "@types/passport-local"],
};

using packed = emptyProject("flagon-newcomer-pack-");
const tarball = packFlagon(packed.folder);
const versions = pinnedVersions();

const tasks: [name: string, run: () => Promise<void>][] = [
  ...sections.map((section): (typeof tasks)[number] => [section.title, () => walk(section)]),
  ...projects.map((project): (typeof tasks)[number] => [project.name, async () => testProject(project)]),
  ...(isAsked("installing") ? [["installing", async () => installsBesideAll()] satisfies (typeof tasks)[number]] : []),
];
let failed = 0;
for (const [name, task] of tasks) {
  const start = performance.now();
  const failure = await task().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${failure === null ? "✓" : "✗"} ${name.padEnd(15)} ${seconds} s`);
  if (failure !== null) console.log(failure.replace(/^/gm, "    "));
  failed += Number(failure !== null);
}
console.log(`\n${tasks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 && tasks.length > 0 ? 0 : 1;

async function walk(section: Section): Promise<void> {
  using project = emptyProject("flagon-newcomer-");
  const { folder } = project;
  const PATH = await runtimeOnPath(section.commands);
  begin(section, folder);
  for (const [file, code] of section.files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), code);
  }
  const port = await freePort();
  const types = ["@types/node", ...(typesFor[section.title] ?? [])];
  const commands = section.commands.map((line) => fromTarball(line, port, types));
  const server = commands.pop();
  if (server === undefined) throw new Error("the section has no commands");
  // The secret that one line exports is the next line's environment, as in one terminal.
  const env = { PATH, PORT: String(port), HOST: "127.0.0.1", NODE_ENV: "" };
  const isInstall = (line: string): boolean => /^(?:npm install|bun add)\b/.test(line);
  for (const line of commands.filter(isInstall)) run("bash", ["-ec", line], { cwd: folder, env });
  checkTypes(folder);
  const script = ["set -e", ...commands.filter((line) => !isInstall(line)), `exec ${server}`].join("\n");
  await using running = await serve(script, { cwd: folder, env, port });
  await counts(running.url);
}

/** What is locked is installed, then the package; the section's files but its server, types checked, and the tests run. */
function testProject({ name, section }: (typeof projects)[number]): void {
  using project = emptyProject(`flagon-${name}-`);
  const { folder } = project;
  const npm = (...args: string[]): void => {
    run("npm", [...args, "--loglevel=error", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
  };
  cpSync(join(skeletons, name), folder, { recursive: true });
  npm("ci");
  npm("install", "--no-save", tarball);
  for (const [file, code] of guide.find(({ title }) => title === section)?.files ?? []) {
    if (file !== "server.ts") writeFileSync(join(folder, file), code);
  }
  checkTypes(folder);
  run("node", ["--test"], { cwd: folder });
}

/** As `npm install flagon` in a project that has these already; npm refuses what a peer's range has no room for. */
function installsBesideAll(): void {
  for (const packages of majors) {
    using project = emptyProject("flagon-installing-");
    for (const names of [packages, [tarball]]) {
      const args = [
        "install",
        "--package-lock-only",
        "--strict-peer-deps",
        "--loglevel=error",
        "--no-audit",
        "--no-fund",
      ];
      run("npm", [...args, ...names], { cwd: project.folder });
    }
  }
}

/** What is there before the guide's first line: nothing, or what the framework's starter made, cut down to what it needs. */
function begin({ title }: Section, folder: string): void {
  const skeleton = join(skeletons, title.toLowerCase().replaceAll(" ", "-"));
  if (!existsSync(skeleton)) return;
  cpSync(skeleton, folder, { recursive: true });
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  writeFileSync(
    join(folder, "package.json"),
    manifest.replace(/"([^"]+)": "\*"/g, (_all, name: string) => `"${name}": "${versions.get(name) ?? "latest"}"`),
  );
}

/** The line as it will read once the package is published: until then it comes from the tarball. */
function fromTarball(line: string, port: number, types: readonly string[]): string {
  return line
    .replace(/^deno add npm:flagon$/, "npm install flagon")
    .replace("deno run -A npm:flagon", "node_modules/.bin/flagon")
    .replace("--port 3000", `--port ${port}`)
    .replace(/^(npm install|bun add) (.*)$/, (_line, command: string, names: string) => {
      const quiet = command === "npm install" ? " --loglevel=error --no-audit --no-fund --ignore-scripts" : "";
      return `${command}${quiet} ${[...names.split(" "), ...types].map(exactly).join(" ")}`;
    });
}

/** The version that the workshop tests with, so that a run says the same tomorrow. */
function exactly(name: string): string {
  if (name === "flagon") return tarball;
  const version = versions.get(name);
  return version === undefined ? name : `${name}@${version}`;
}

function pinnedVersions(): Map<string, string> {
  const files = ["package.json", "examples/saas/package.json"];
  const all = files.map((file) => JSON.parse(readFileSync(join(root, file), "utf8")));
  const entries = all.flatMap(({ dependencies = {}, devDependencies = {} }) =>
    Object.entries<string>({ ...dependencies, ...devDependencies }),
  );
  return new Map(entries.filter(([, version]) => /^\d/.test(version)));
}

function checkTypes(folder: string): void {
  const own = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).scripts?.check;
  if (own !== undefined) {
    run("npm", ["run", "check"], { cwd: folder });
    return;
  }
  cpSync(join(skeletons, "default-tsconfig.json"), join(folder, "tsconfig.json"));
  run("tsc", ["--project", folder], { cwd: folder });
}

/** Three visits with the cookie that the last one set: what the page shows has to be 1, 2 and 3. */
async function counts(url: string): Promise<void> {
  let cookie = "";
  for (const expected of [1, 2, 3]) {
    const response = await fetch(url, { headers: { cookie }, signal: AbortSignal.timeout(20_000) });
    const text = await response.text();
    if (!text.includes(`Visit number ${expected}`)) {
      throw new Error(`visit ${expected} was answered with ${response.status} ${text.slice(0, 500)}`);
    }
    cookie =
      response.headers
        .getSetCookie()
        .find((line) => /session=/.test(line))
        ?.split(";")[0] ?? cookie;
  }
}
