import { publicId } from "../../formats/public-id.ts";
import { COOKIE_BYTES_MAX, NEAR_LIMIT_BYTES } from "../../http/cookie.ts";
import { number, plural, printable, relative, type Style, shortened, timestamp } from "../text.ts";
import type { Finding, InspectionRules, OpenedSession, Verdict } from "./finding.ts";
import { sizesOf, textOf } from "./json.ts";

const LABEL_WIDTH = 14;

export interface Look {
  readonly style: Style;
  readonly columns: number;
  /** Whether values are shown, and not only how large they are. */
  readonly values: boolean;
}

/** A finding for a person at a terminal. Ends with a newline. */
export function printFinding(finding: Finding, rules: InspectionRules, look: Look): string {
  const { style, columns } = look;
  const head = `${verdictOf(finding, style)}  ${style.bold(finding.title)}`;
  const lines = [head, ""];
  if (finding.why !== "") lines.push(...wrapped(finding.why, columns - 2), "");
  lines.push(row("cookie", sizeOf(finding), style));
  if (finding.session !== null) lines.push(...sessionLines(finding.session, rules, look));
  return `${lines.join("\n")}\n`;
}

const marks: Record<Verdict, readonly [string, keyof Style]> = {
  accepted: ["✓ accepted", "good"],
  genuine: ["✓ genuine", "good"],
  refused: ["✗ refused", "bad"],
  unchecked: ["? not checked", "bold"],
};

function verdictOf({ verdict, reason }: Finding, style: Style): string {
  const [mark, colour] = marks[verdict];
  if (reason === "foreign") return style.bad("✗ not Flagon's");
  return style[colour](reason === null || reason === "deleted" ? mark : `${mark}: ${reason}`);
}

function sizeOf({ name, bytes }: Finding): string {
  const size = `${number(bytes)} of ${number(COOKIE_BYTES_MAX)} bytes`;
  const warning =
    bytes > COOKIE_BYTES_MAX
      ? ": more than browsers keep"
      : bytes >= NEAR_LIMIT_BYTES
        ? ": near the limit, which some proxies set lower"
        : "";
  return name === null ? `${size}${warning}, without its name` : `${printable(name)}, ${size}${warning}`;
}

function sessionLines(session: OpenedSession, { now }: InspectionRules, look: Look): string[] {
  const { record, secret, row: stored } = session;
  const { style } = look;
  const when = (moment: number): string => `${relative(moment, now)} ${style.dim(`(${timestamp(moment)})`)}`;
  const lines: string[] = [];
  const add = (label: string, text: string): void => void lines.push(row(label, text, style));
  if (secret !== null) add("secret", secretText(secret));
  if (record.id !== "") add("id", publicId(record));
  if (record.generation > 0) add("generation", `${number(record.generation)}, since ${when(record.rotatedAt)}`);
  add("user", userText(session, when));
  if (stored?.device != null) add("device", printable(stored.device));
  if (record.createdAt !== null) add("began", when(record.createdAt));
  add(record.createdAt === null ? "signed" : "renewed", when(record.renewedAt));
  add("lasts", record.permanent ? "beyond the browser's close (permanent)" : "until the browser closes");
  const limits = [
    [record.createdAt === null ? "limit" : "idle limit", session.idleEndsAt],
    ["absolute limit", session.absoluteEndsAt],
  ] as const;
  for (const [label, moment] of limits) {
    if (moment === null) continue;
    add(label, moment <= now ? style.bad("passed ") + when(moment) : `ends ${when(moment)}`);
  }
  return [...lines, "", ...dataLines(session, look), ...flashLines(session, look)];
}

function secretText({ index, count, keyId }: NonNullable<OpenedSession["secret"]>): string {
  if (count === 1) return keyId;
  return index === 0
    ? `${keyId}, the first of ${count}`
    : `${keyId}, number ${index + 1} of ${count}: sealed anew at its next visit`;
}

function userText({ record }: OpenedSession, when: (moment: number) => string): string {
  if (record.userId === null) return "nobody is signed in";
  const user = printable(record.userId);
  if (record.authenticatedAt !== null) return `${user}, signed in ${when(record.authenticatedAt)}`;
  return record.fresh === undefined ? user : `${user}, ${record.fresh ? "" : "not "}freshly signed in`;
}

function dataLines({ record }: OpenedSession, { style, columns, values }: Look): string[] {
  const sizes = sizesOf(record.data);
  if (sizes.length === 0) return [row("data", "none", style)];
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const keyWidth = Math.min(Math.max(...sizes.map(({ key }) => printable(key).length)), 32);
  const sizeWidth = number(sizes[0]?.bytes ?? 0).length;
  const lines = sizes.map(({ key, bytes, value }) => {
    const name = shortened(printable(key), keyWidth).padEnd(keyWidth);
    const size = number(bytes).padStart(sizeWidth);
    const room = columns - LABEL_WIDTH - keyWidth - sizeWidth - 8;
    const what = values ? shortened(printable(textOf(value)), Math.max(room, 20)) : style.dim(typeOf(value));
    return `${" ".repeat(LABEL_WIDTH + 3)}${name}  ${size}  ${what}`;
  });
  return [row("data", `${plural(sizes.length, "key")}, ${plural(total, "byte")}`, style), ...lines];
}

function flashLines({ record }: OpenedSession, { style, columns }: Look): string[] {
  if (record.flashes.length === 0) return [];
  const width = Math.min(Math.max(...record.flashes.map(({ category }) => printable(category).length)), 32);
  return [
    row("flashes", `${record.flashes.length} for the next page`, style),
    ...record.flashes.map(({ message, category }) => {
      const text = shortened(printable(message), Math.max(columns - LABEL_WIDTH - width - 6, 20));
      return `${" ".repeat(LABEL_WIDTH + 3)}${shortened(printable(category), width).padEnd(width)}  ${text}`;
    }),
  ];
}

function typeOf(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  if (Array.isArray(value)) return `array of ${value.length}`;
  const name = value.constructor?.name ?? "Object";
  return name === "Object" ? `object of ${plural(Object.keys(value).length, "key")}` : name;
}

function row(label: string, text: string, style: Style): string {
  return `  ${style.dim(label.padEnd(LABEL_WIDTH))} ${text}`;
}

/** Sentences in lines that fit, indented by two. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of printable(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > Math.min(Math.max(width, 40), 100) - 2) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `  ${each}`);
}
