/** The public face of a source file: what it exports, as a reader of its types sees it, with the doc comments. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseSync } from "oxc-parser";
import { isolatedDeclarationSync } from "oxc-transform";

export interface Member {
  /** Without its doc comment, on as many lines as it has. */
  readonly code: string;
  readonly comment: string;
}

export interface Declaration {
  readonly name: string;
  /** Where it is declared, which is not always where it is exported from. */
  readonly file: string;
  /** For an interface or a class its head, up to the brace; else all of it. */
  readonly code: string;
  readonly comment: string;
  /** Null for what has none: a function, a type, a constant. */
  readonly members: readonly Member[] | null;
}

/** The parts of the parser's tree that are looked at. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly declaration?: Node | null;
  readonly source?: { readonly value: string } | null;
  readonly specifiers?: readonly { readonly local: Named; readonly exported: Named }[];
  readonly id?: Named | null;
  readonly declarations?: readonly { readonly id: Named }[];
  readonly body?: Node | readonly Node[] | null;
  readonly key?: { readonly type: string };
}

interface Named {
  readonly name?: string;
  readonly value?: string;
}

/** Everything that the file exports, in its order, re-exports followed to where they are declared. */
export function declarationsOf(file: string): Declaration[] {
  const { code, body, comments } = parse(file);
  return body.flatMap((node): Declaration[] => {
    if (node.type !== "ExportNamedDeclaration") return [];
    if (node.declaration) return [declarationAt(node, node.declaration, file, code, comments)];
    const from = node.source?.value;
    if (from === undefined) return [];
    const there = declarationsOf(join(dirname(file), from));
    return (node.specifiers ?? []).flatMap(({ local, exported }) => {
      const found = there.find(({ name }) => name === nameOf(local));
      return found === undefined ? [] : [{ ...found, name: nameOf(exported) }];
    });
  });
}

interface Comment {
  readonly type: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

function parse(file: string): { code: string; body: readonly Node[]; comments: readonly Comment[] } {
  const { code } = isolatedDeclarationSync(file, readFileSync(file, "utf8"), { stripInternal: true });
  const { program, comments } = parseSync(file, code);
  return { code, body: program.body as unknown as readonly Node[], comments };
}

function declarationAt(
  exported: Node,
  node: Node,
  file: string,
  code: string,
  comments: readonly Comment[],
): Declaration {
  const body = node.body && "body" in node.body ? node.body : null;
  const name = nameOf(node.id ?? node.declarations?.[0]?.id ?? {});
  const comment = commentBefore(exported.start, code, comments);
  const text = code.slice(exported.start, body?.start ?? exported.end).trim();
  const members = Array.isArray(body?.body) ? (body.body as readonly Node[]) : null;
  return {
    name,
    file,
    code: tidy(text).replace(/^export (?:declare )?/, ""),
    comment,
    members:
      members
        ?.filter(({ key }) => key?.type !== "PrivateIdentifier")
        .map((member) => ({
          code: tidy(code.slice(member.start, member.end)),
          comment: commentBefore(member.start, code, comments),
        })) ?? null,
  };
}

/** The doc comment that stands right before `start`, as the text its author wrote. */
function commentBefore(start: number, code: string, comments: readonly Comment[]): string {
  const isDoc = ({ type, value, end }: Comment): boolean =>
    type === "Block" && value.startsWith("*") && end <= start && code.slice(end, start).trim() === "";
  const found = comments.find(isDoc)?.value.slice(1) ?? "";
  return found.replace(/^[ \t]*\*?[ \t]?/gm, "").trim();
}

function tidy(text: string): string {
  return text.replaceAll("\t", "  ").replace(/[;,]$/, "");
}

function nameOf({ name, value }: Named): string {
  return name ?? value ?? "";
}
