const memory: unique symbol = Symbol.for("flagon.memory.v1") as never;

/**
 * What a process remembers under this name, made when it is first asked for. Kept once for the process: Next, for one, gives its
 * proxy, its pages and its route handlers a copy each of every module, and a sign-out in one has to hold in the others.
 */
export function processMemory<Kept extends object>(name: string, make: () => Kept): Kept {
  const shared = globalThis as { [memory]?: Map<string, object> };
  shared[memory] ??= new Map();
  const found = shared[memory].get(name) as Kept | undefined;
  if (found !== undefined) return found;
  const made = make();
  shared[memory].set(name, made);
  return made;
}
