import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { transformSync } from "oxc-transform";

// Node strips types from .ts by itself, but leaves JSX alone. This compiles each .tsx as it is imported, so that there
// is no build step and no dist folder.
registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith("file:") || !url.endsWith(".tsx")) return nextLoad(url, context);
    const file = fileURLToPath(url);
    const { code, errors, map } = transformSync(file, readFileSync(file, "utf8"), {
      jsx: { runtime: "automatic", importSource: "hono/jsx" },
      typescript: { onlyRemoveTypeImports: true },
      sourcemap: true,
    });
    const [error] = errors;
    if (error) throw new SyntaxError(`${file}: ${error.codeframe ?? error.message}`);
    const inline = Buffer.from(JSON.stringify(map)).toString("base64");
    const source = `${code}\n//# sourceMappingURL=data:application/json;base64,${inline}`;
    return { format: "module", source, shortCircuit: true };
  },
});

process.setSourceMapsEnabled(true);
