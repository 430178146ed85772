/** One framework's part of the guide. */
export interface Section {
  readonly title: string;
  /** The fenced blocks that name a file: ```` ```ts file=server.ts ````. */
  readonly files: readonly (readonly [file: string, code: string])[];
  /** The lines of its ```` ```sh ```` blocks; the last one serves. */
  readonly commands: readonly string[];
}

/** The sections that show a program and the commands that serve it. */
export function sectionsOf(markdown: string): Section[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((text): Section => {
      const blocks = [...text.matchAll(/^```(\w+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm)];
      return {
        title: text.slice(0, text.indexOf("\n")).trim(),
        files: blocks.flatMap(([, , file, code = ""]) => (file === undefined ? [] : [[file, code] as const])),
        commands: blocks.flatMap(([, language, file, code = ""]) =>
          language === "sh" && file === undefined ? code.split("\n").filter((line) => line.trim() !== "") : [],
        ),
      };
    })
    .filter(({ files, commands }) => files.length > 0 && commands.length > 0);
}
