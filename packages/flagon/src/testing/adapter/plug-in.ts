/** Under this name a plug-in hangs its things on whatever it can reach. */
const HUNG = "flagonPlugIn";

/** Readers whose answers a plug-in gets hold of. */
const readers = ["keys", "entries", "flashes"];

/** Members that well-known plug-ins put in the place of the session's own (connect-flash, express-session's stores). */
const replaced = ["flash", "get", "save"];

type Members = Record<PropertyKey, unknown>;

/**
 * A plug-in as npm's older packages are: sloppy code, in which a write that an object refuses is no error, and which keeps
 * its things on the session, its methods, its prototypes and what they answer with.
 *
 * `writeOn` and `tracesOn` look at no member of the session's own accord, so that the plug-in does not open it; with
 * `isAsking` it calls the readers as well.
 */
export class PlugIn {
  /** What was there before, so that one case's plug-in is not the next one's. */
  readonly #before = new Map<object, { readonly members: PropertyDescriptorMap; readonly prototype: object | null }>();

  writeOn(session: object, owner: string, isAsking: boolean): void {
    const text = `${HUNG} of ${owner}`;
    for (const target of reachable(session).keys()) {
      this.#remember(target);
      write(target, HUNG, text);
      if (target !== session) inherit(target, HUNG, text);
      for (const name of replaced) if (target === session || Object.hasOwn(target, name)) put(target, name, text);
    }
    if (isAsking) for (const answer of answersOf(session).keys()) write(answer, HUNG, text);
  }

  /** Where on a session somebody's writing can be seen: "session.flash.flagonPlugIn: …". */
  tracesOn(session: object, isAsking: boolean): string[] {
    const found = [...reachable(session)].flatMap(([target, path]) => tracesIn(target, path));
    return isAsking
      ? [...found, ...[...answersOf(session)].flatMap(([answer, path]) => tracesIn(answer, path))]
      : found;
  }

  /** Takes everything back. */
  undo(): void {
    for (const [target, { members, prototype }] of this.#before) {
      if (Object.getPrototypeOf(target) !== prototype) Reflect.setPrototypeOf(target, prototype);
      for (const key of Reflect.ownKeys(target)) if (!Object.hasOwn(members, key)) Reflect.deleteProperty(target, key);
      for (const key of Reflect.ownKeys(members)) {
        Reflect.defineProperty(target, key, (members as Members)[key] as PropertyDescriptor);
      }
    }
    this.#before.clear();
  }

  #remember(target: object): void {
    if (this.#before.has(target)) return;
    const members: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(target);
    this.#before.set(target, { members, prototype: Object.getPrototypeOf(target) });
  }
}

const sloppy = (...code: string[]): ((...args: unknown[]) => void) => {
  const attempts = code.map((line) => `try { ${line} } catch {}`);
  // Module code is strict, and so would be whatever is written in it.
  return new Function("target", "name", "value", attempts.join("\n")) as (...args: unknown[]) => void;
};

const write = sloppy(
  "Array.isArray(target) ? target.push(value) : (target[name] = value)",
  "if (!Array.isArray(target)) Object.defineProperty(target, name, { value, configurable: true, enumerable: true })",
);
const inherit = sloppy(
  "Object.setPrototypeOf(target, Object.create(Object.getPrototypeOf(target), { [name]: { value } }))",
);
const put = sloppy("target[name] = Object.assign(() => value, { flagonPlugIn: value })");

/** The language's own and the runtime's: what is written there is beyond any library. */
const intrinsics: ReadonlySet<unknown> = new Set([
  ...Object.getOwnPropertyNames(globalThis).flatMap((name) => {
    const value = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    return typeof value === "function" ? [value, value.prototype] : [value];
  }),
  ...[async () => {}, function* () {}, async function* () {}].flatMap((each) => prototypesOf(each)),
  ...prototypesOf([][Symbol.iterator]()),
]);

function prototypesOf(value: object): object[] {
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === null ? [] : [prototype, ...prototypesOf(prototype)];
}

/** More than a session has; a walk that goes astray ends there. */
const REACHED_MAX = 1_000;

/** What can be got hold of without a look at anything: prototypes, methods, accessors and what hangs on them. */
function reachable(session: object): Map<object, string> {
  const found = new Map<object, string>();
  const walk = (value: unknown, path: string): void => {
    if (!isObject(value) || intrinsics.has(value) || found.has(value) || found.size === REACHED_MAX) return;
    found.set(value, path);
    walk(Object.getPrototypeOf(value), `${path}.__proto__`);
    for (const key of Reflect.ownKeys(value)) {
      const { value: member, get, set } = Object.getOwnPropertyDescriptor(value, key) ?? {};
      for (const each of [member, get, set]) walk(each, `${path}.${String(key)}`);
      // A method may be what an accessor answers with: to take it from the prototype asks no session anything.
      if (get !== undefined && value !== session) walk(methodBehind(get, value), `${path}.${String(key)}`);
    }
  };
  walk(session, "session");
  return found;
}

function methodBehind(get: () => unknown, prototype: object): unknown {
  try {
    const answer: unknown = get.call(prototype);
    return typeof answer === "function" ? answer : undefined;
  } catch {
    return undefined; // it needs a session
  }
}

/** What the readers answer with, and what that holds. */
function answersOf(session: object): Map<object, string> {
  const found = new Map<object, string>();
  const walk = (value: unknown, path: string): void => {
    if (!isObject(value) || found.has(value) || typeof value === "function") return;
    found.set(value, path);
    for (const [key, part] of Object.entries(value)) walk(part, `${path}.${key}`);
  };
  for (const name of readers) {
    try {
      const answer = ((session as Members)[name] as () => unknown).call(session);
      walk(answer, `session.${name}()`);
    } catch {
      // A plug-in hides what it can't do.
    }
  }
  return found;
}

function tracesIn(target: object, path: string): string[] {
  const traces: string[] = [];
  for (const key of Reflect.ownKeys(target)) {
    const value = Object.getOwnPropertyDescriptor(target, key)?.value;
    if (key === HUNG || (typeof value === "string" && value.startsWith(HUNG))) {
      traces.push(`${path}.${String(key)}: ${String(value)}`);
    }
  }
  return traces;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
