import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Hono } from "hono";

const types: Record<string, string> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const folder = join(import.meta.dirname, "..", "..", "public");
const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
/** Of all files together: the scripts import each other by names beside their own. */
const version = createHash("sha256")
  .update(JSON.stringify([...files]))
  .digest("base64url")
  .slice(0, 10);

/** The address of a static file. It changes with the content, so that browsers may keep what they have for ever. */
export function assetPath(name: "app.css" | "app.js" | "icon.svg"): string {
  return `/assets/${version}/${name}`;
}

export const assets = new Hono();

assets.get("/assets/:version/:name", (c) => {
  const name = c.req.param("name");
  const body = files.get(name);
  const type = types[extname(name)];
  if (body === undefined || type === undefined || c.req.param("version") !== version) return c.text("Not Found", 404);
  return c.body(body, 200, { "content-type": type, "cache-control": "public, max-age=31536000, immutable" });
});
