import { type HeaderLine, isSetCookie } from "../../http/headers.ts";

/**
 * The head of an answer, made once and handed to the framework each time: the same objects for every visitor, in each form
 * that a framework may take. A name of several values is a list in `object` and comes several times in the others. To be
 * passed on as they are: a copy would hide what is looked for.
 */
export interface SharedHead {
  /** As for `response.writeHead(status, head.object)`, or name by name: `response.setHeader(name, value)`. */
  readonly object: Readonly<Record<string, string | string[]>>;
  /** As for `response.writeHead(status, head.flat)`. */
  readonly flat: string[];
  /** As for `new Headers(head.pairs)`. */
  readonly pairs: [name: string, value: string][];
  readonly headers: Headers;
  /** As for `new Response(body, head.init)`. */
  readonly init: { readonly status: number; readonly headers: [name: string, value: string][] };
  /** The whole answer, which has no body: for `return head.response`, and for `new Response(body, head.response)`. */
  readonly response: Response;
}

/** Keeps the objects that an app shares among requests, to say afterwards which of them was written on. */
export class SharedObjects {
  readonly #isFrozen: boolean;
  readonly #heads = new Map<string, SharedHead>();
  readonly #before = new Map<object, { readonly name: string; readonly text: string }>();

  /** `isFrozen`: what is plain of them is frozen, all the way down. */
  constructor(isFrozen: boolean) {
    this.#isFrozen = isFrozen;
  }

  /** Takes an object in; hands it back. */
  keep<Shared extends object>(shared: Shared, name: string): Shared {
    if (this.#isFrozen) freezeDeep(shared);
    if (!this.#before.has(shared)) this.#before.set(shared, { name, text: textOf(shared) });
    return shared;
  }

  /** One head for each status and lines. */
  head(status: number, lines: readonly HeaderLine[]): SharedHead {
    const key = JSON.stringify([status, lines]);
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const head = this.#make(status, lines);
    this.#heads.set(key, head);
    return head;
  }

  /** The names of what is no longer what it was. */
  changes(): string[] {
    return [...this.#before]
      .filter(([shared, { text }]) => textOf(shared) !== text)
      .map(([shared, { name, text }]) => `${name} was ${text} and is ${textOf(shared)}`);
  }

  #make(status: number, lines: readonly HeaderLine[]): SharedHead {
    const object: Record<string, string | string[]> = {};
    for (const [name, value] of lines) {
      const before = object[name] ?? [];
      object[name] = isSetCookie(name) ? [...before, value] : value;
    }
    const pairs = lines.map(([name, value]): [string, string] => [name, value]);
    const headers = new Headers(pairs);
    const head: SharedHead = {
      object: this.keep(object, "the shared object of headers"),
      flat: this.keep(lines.flat(), "the shared flat list of headers"),
      pairs: this.keep(pairs, "the shared list of pairs"),
      headers: this.keep(headers, "the shared Headers"),
      init: this.keep({ status, headers: pairs.map(([...pair]): [string, string] => pair) }, "the shared ResponseInit"),
      response: this.keep(new Response(null, { status, headers }), "the shared Response"),
    };
    return Object.freeze(head);
  }
}

/** Objects and lists; not what has a class, which would no longer work. */
function freezeDeep(value: unknown): void {
  if (!isPlain(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freezeDeep(part);
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/** What it holds, members that are no plain values by which object they are. */
function textOf(shared: object): string {
  if (shared instanceof Response) return `${shared.status} ${textOf(shared.headers)} ${String(shared.bodyUsed)}`;
  if (shared instanceof Headers) return JSON.stringify([...shared]);
  const seen = new Set<object>();
  const plain = (value: unknown): unknown => {
    if (typeof value === "function" || (typeof value === "object" && value !== null && !isPlain(value))) {
      if (!numbers.has(value)) numbers.set(value, ++lastNumber);
      return `${typeof value} ${numbers.get(value)}`;
    }
    if (typeof value !== "object" || value === null) return typeof value === "bigint" ? `${value}n` : value;
    if (seen.has(value)) return "again";
    seen.add(value);
    return Reflect.ownKeys(value).map((key) => [String(key), plain((value as Record<PropertyKey, unknown>)[key])]);
  };
  return JSON.stringify(plain(shared));
}
