/** Emits packages/flagon/dist with plain tsc: one module for each source file, with types and maps. The README goes along. */
import { spawnSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../packages/flagon");
rmSync(join(folder, "dist"), { recursive: true, force: true });
const { status } = spawnSync("tsc", ["--project", join(folder, "tsconfig.build.json")], { stdio: "inherit" });
copyFileSync(join(folder, "../../README.md"), join(folder, "README.md"));
process.exitCode = status ?? 1;
