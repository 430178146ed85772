/**
 * Makes a fresh clone ready: installs what package-lock.json names, when it is not there yet. `npm start`, `npm test` and
 * `npm run check` begin with this, on whatever Node the machine has (20 or newer); what comes after it runs on the Node
 * that was installed, which npm puts first on the PATH. Built-ins only: nothing is installed before this has run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { alone } from "./alone.mjs";

/** The oldest Node that runs TypeScript and `node:sqlite` as they are, for machines for which npm has no Node. */
const OLDEST_OWN_NODE = 24;

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");

if (!isInstalled()) {
  await alone(`installing into ${root}`, () => {
    // Someone else may have done it while this one waited.
    if (!isInstalled()) install();
  });
}
checkNode();

/** Compares what is to be installed with npm's own note of what it has installed last. */
function isInstalled() {
  const wanted = packagesIn(join(root, "package-lock.json"));
  const present = packagesIn(join(modules, ".package-lock.json"));
  if (wanted === null || present === null) return false;
  // What the workshop itself names, even where a package would do without it.
  const named = Object.keys(wanted[""]?.devDependencies ?? {}).map((name) => `node_modules/${name}`);
  const isAsWanted = (/** @type {[string, Entry]} */ [path, entry]) => {
    const found = present[path];
    if (found === undefined) {
      const isForOthers = entry.optional || entry.devOptional; // another platform
      return path === "" || (isForOthers && !named.includes(path));
    }
    const isSame = entry.integrity === undefined || found.integrity === entry.integrity;
    return found.version === entry.version && isSame;
  };
  return Object.entries(wanted).every(isAsWanted) && Object.keys(present).every((path) => path in wanted);
}

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean,
 *   devDependencies?: Record<string, string> }} Entry
 * @param {string} lockfile @returns {Record<string, Entry> | null} by path; null when there is no such file
 */
function packagesIn(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, "utf8")).packages;
  } catch {
    return null;
  }
}

function install() {
  process.stderr.write("Installing Flagon's workshop into node_modules; the first time takes a minute …\n");
  // What the lockfile names, and no change to it. `npm install` rather than `npm ci`, because it keeps what is right
  // already. No package here needs its install script: each ships its binaries, and a script may want a compiler.
  npm("install", "--no-save", "--include=dev", "--include=optional", "--ignore-scripts", "--no-audit", "--no-fund");
}

/** After this, `node` within an npm script is one that the workshop runs on; else says which one to get. */
function checkNode() {
  const isWindows = process.platform === "win32";
  const binary = join(modules, ".bin", isWindows ? "node.cmd" : "node");
  if (!existsSync(binary)) {
    // npm 10, which comes with Node 20, takes the link away together with the packages for other platforms.
    const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const present = Object.keys(optionalDependencies).filter((name) => existsSync(join(modules, name)));
    if (present.length > 0) npm("rebuild", "--ignore-scripts", ...present);
  }
  if (existsSync(binary)) {
    const run = spawnSync(binary, ["--version"], { shell: isWindows });
    if (run.status === 0) return;
    rmSync(binary); // Built for another libc (Alpine's): out of the way of the machine's own.
  }
  const own = spawnSync("node", ["--version"], { encoding: "utf8" }).stdout?.trim() || process.version;
  const where = `${process.platform} ${process.arch}`;
  if (Number.parseInt(own.slice(1), 10) < OLDEST_OWN_NODE) {
    fail(
      `The workshop runs on Node 26 and brings it along, but npm has none that runs here (${where}), and Node on this ` +
        `machine is ${own}. Install Node 26 (or ${OLDEST_OWN_NODE} at least), then run this again.`,
    );
  }
  process.stderr.write(`npm has no Node 26 that runs here (${where}): going on with this machine's Node ${own}.\n`);
}

/** @param {string[]} args */
function npm(...args) {
  // npm by its own path and on its own Node: `node` on the PATH may be the one that is about to be replaced.
  const { npm_execpath: path, npm_node_execpath: node = process.execPath } = process.env;
  const [command, first] = path?.endsWith(".js") ? [node, [path]] : ["npm", []];
  const { status, error } = spawnSync(command, [...first, ...args, "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: command === "npm" && process.platform === "win32",
  });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm ${args[0]} failed (exit code ${status}). Mend what it says above, then run this again.`);
}

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}
