/** One thing that has to hold. `run` rejects with a sentence that says what did not. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Throws when `actual` is another value than `expected`: by content, with `Uint8Array`s by their bytes. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [got, wanted] = [show(actual), show(expected)];
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`);
}

export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** The error that `promise` rejects with. Throws when it resolves, or does neither within ten seconds. */
export async function rejection(promise: Promise<unknown>, what: string): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, 10_000, "did neither within ten seconds");
  });
  const outcome = await Promise.race([
    late,
    promise.then(
      (value) => `resolved ${show(value)}`,
      (error: unknown) => ({ error }),
    ),
  ]);
  clearTimeout(timer);
  if (typeof outcome === "object") return outcome.error;
  throw new Error(`${what}: has to reject, and ${outcome}`);
}

/** Text that is the same for the same content, and short enough for a message. */
function show(value: unknown): string {
  const text = JSON.stringify(plain(value)) ?? String(value);
  return text.length > 600 ? `${text.slice(0, 560)}… (${text.length} characters, checksum ${checksum(text)})` : text;
}

/** A `Buffer` says of itself something else than a `Uint8Array` does, so bytes are taken before JSON sees them. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (!(value instanceof Uint8Array)) return Object.entries(value).map(([key, part]) => [key, plain(part)]);
  const hex = Array.from(value.subarray(0, 24), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${value.length} bytes ${hex} checksum ${checksum(value)}`;
}

/** FNV-1a. */
function checksum(content: string | Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < content.length; index++) {
    const unit = typeof content === "string" ? content.charCodeAt(index) : (content[index] ?? 0);
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return hash >>> 0;
}
