/**
 * Writes docs/api.md from the doc comments, so that there is one place for each sentence. With --check it writes nothing, and
 * fails when the page is not what the comments say now, or when something public has none.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Declaration, declarationsOf, type Member } from "./lib/declarations.ts";
import { root } from "./lib/packed.ts";

interface Manifest {
  readonly exports: Record<string, string | { readonly "flagon-source": string }>;
}

const folder = join(root, "packages/flagon");
const page = join(root, "docs/api.md");
const isCheck = process.argv.includes("--check");

/** The core first, then the entry points by what they are for: frameworks, stores, what is left. */
const order = [
  "",
  "express fastify fetch h3 hono koa next node react-router sveltekit",
  "memory sqlite redis postgres",
  "flask testing",
];

const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
const paths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
const ranked = order.flatMap((names) => names.split(" "));
const rankOf = (path: string): number => ranked.indexOf(path.replace(/^\.\/?/, ""));
const unranked = paths.filter((path) => rankOf(path) === -1);
if (unranked.length > 0) throw new Error(`scripts/api-reference.ts gives no place to ${unranked.join(", ")}`);

/** What everyone needs; the rest of an entry point follows by name. */
const first = ["session", "createSessions", "Sessions", "Session", "SessionOptions", "SessionError", "Register"];

/** Where each name is told of, so that no entry point tells it again. */
const told = new Map<string, string>();
const bare: string[] = [];
const parts = paths.sort((a, b) => rankOf(a) - rankOf(b)).map(partOf);
const text = `# API

Made from the doc comments by \`npm run docs\`; the same text is in the types, and so in your editor. Times are milliseconds
since 1970 unless a name says otherwise. Ten lines for each framework are in the [guide](guide.md).

${paths.map((path) => `[${join("flagon", path)}](#${join("flagon", path).replace("/", "")})`).join(" · ")}

${parts.join("\n")}`;

const before = readOr(page, "");
if (bare.length > 0) console.error(`without a doc comment: ${bare.join(", ")}`);
if (isCheck && text !== before) console.error("docs/api.md is not what the doc comments say: run npm run docs");
if (!isCheck) writeFileSync(page, text);
process.exitCode = bare.length > 0 || (isCheck && text !== before) ? 1 : 0;

function partOf(path: string): string {
  const target = manifest.exports[path];
  if (target === undefined || typeof target === "string") throw new Error(`${path} has no source`);
  const name = join("flagon", path);
  const all = declarationsOf(join(folder, target["flagon-source"]));
  const own = all.filter((declaration) => !told.has(keyOf(declaration))).sort(byImportance);
  const known = all.filter((declaration) => told.has(keyOf(declaration)));
  for (const declaration of own) {
    told.set(keyOf(declaration), name);
    if (declaration.comment === "") bare.push(`${declaration.name} (${name})`);
  }
  const also = known.map((declaration) => `\`${declaration.name}\` of \`${told.get(keyOf(declaration))}\``);
  const lines = [`## ${name}`, "", ...own.map(sectionOf)];
  if (also.length > 0) lines.push(`Also: ${also.join(", ")}.`, "");
  return lines.join("\n");
}

function byImportance(a: Declaration, b: Declaration): number {
  const rank = ({ name }: Declaration): number => (first.includes(name) ? first.indexOf(name) : first.length);
  return rank(a) - rank(b) || Number(isType(a)) - Number(isType(b)) || (a.name < b.name ? -1 : 1);
}

function isType({ code }: Declaration): boolean {
  return /^(?:interface|type)\b/.test(code);
}

function keyOf({ file, name }: Declaration): string {
  return `${file}#${name}`;
}

function sectionOf({ name, code, comment, members }: Declaration): string {
  const lines = [`### ${name}`, ""];
  if (comment !== "") lines.push(prose(comment), "");
  if (code !== `interface ${name}` && code !== `class ${name}`) lines.push("```ts", code, "```", "");
  for (const member of members ?? []) lines.push(...memberLines(member));
  if (members !== null && members.length > 0) lines.push("");
  return lines.join("\n");
}

function memberLines({ code, comment }: Member): string[] {
  const oneLine = code.replace(/\s*\n\s*/g, " ");
  return comment === "" ? [`- \`${oneLine}\``] : [`- \`${oneLine}\`  `, prose(comment).replace(/^(?=.)/gm, "  ")];
}

/** `{@link X}` is for editors. */
function prose(comment: string): string {
  return comment.replace(/\{@link ([^}]+)\}/g, "`$1`");
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}
