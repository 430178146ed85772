import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Hono } from "hono";

const types = {
  "app.css": "text/css; charset=utf-8",
  "app.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

type Name = keyof typeof types;

const folder = join(import.meta.dirname, "..", "..", "public");
const files = new Map(
  Object.entries(types).map(([name, type]) => {
    const body = readFileSync(join(folder, name), "utf8");
    const version = createHash("sha256").update(body).digest("base64url").slice(0, 10);
    return [name, { body, type, path: `/assets/${version}/${name}` }];
  }),
);

/** The address of a static file. It changes with the content, so that browsers may keep what they have for ever. */
export function assetPath(name: Name): string {
  return files.get(name)?.path ?? "";
}

export const assets = new Hono();

assets.get("/assets/:version/:name", (c) => {
  const file = files.get(c.req.param("name"));
  if (file === undefined || c.req.path !== file.path) return c.text("Not Found", 404);
  return c.body(file.body, 200, {
    "content-type": file.type,
    "cache-control": "public, max-age=31536000, immutable",
  });
});
