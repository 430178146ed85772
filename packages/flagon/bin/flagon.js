#!/usr/bin/env node
import { existsSync } from "node:fs";

// A clone that was not built yet runs its sources as they are; a package that was installed is always built.
const isBuilt = existsSync(new URL("../dist/cli/main.js", import.meta.url));
const { main } = isBuilt ? await import("../dist/cli/main.js") : await import("../src/cli/main.ts");
await main();
