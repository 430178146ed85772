#!/usr/bin/env node
import { existsSync } from "node:fs";

// A package that was installed is built. In a clone the sources do, with --conditions=flagon-source or before any build.
const isBuilt = existsSync(new URL("../dist/cli/main.js", import.meta.url));
const { main } = isBuilt ? await import("#cli") : await import("../src/cli/main.ts");
await main();
