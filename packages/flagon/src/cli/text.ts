/** How much the terminal can show. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const plain: Style = { bold: same, dim: same, good: same, bad: same };

const coloured: Style = {
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  good: (text) => `\x1b[1;32m${text}\x1b[39;22m`,
  bad: (text) => `\x1b[1;31m${text}\x1b[39;22m`,
};

export function styleFor(colours: boolean): Style {
  return colours ? coloured : plain;
}

function same(text: string): string {
  return text;
}

const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
] as const;

/** "2 h 5 min": the two largest units of a span. */
export function span(ms: number): string {
  let seconds = Math.round(Math.abs(ms) / 1_000);
  const parts: string[] = [];
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    if (parts.length > 0 && (count === 0 || parts.length === 2)) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/** "3 min ago", "in 27 min". */
export function relative(moment: number, now: number): string {
  if (Math.abs(moment - now) < 1_000) return "now";
  return moment < now ? `${span(now - moment)} ago` : `in ${span(moment - now)}`;
}

/** In UTC, to the second: what a log says too. */
export function timestamp(moment: number): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? "no date" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/**
 * Text of the visitor's, fit for a terminal: what would move the cursor, change colours or turn the writing direction is
 * shown as an escape, so that a cookie can't forge what is said about it.
 */
export function printable(text: string): string {
  return text.replace(invisible, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : escaped(character);
  });
}

/** JSON and a line break, for programs, and as fit for a terminal as {@link printable}: it says the same, in escapes. */
export function asJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(value, null, indent);
  return `${json.replace(invisible, (character) => (character === "\n" ? character : escaped(character)))}\n`;
}

const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** As JSON has it: beyond 0xffff as two. */
function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

/** At most `width` characters. */
export function shortened(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(width - 1, 0)).join("")}…`;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** "4,096", whatever the machine's language. */
export function number(count: number): string {
  return count.toLocaleString("en-US");
}
