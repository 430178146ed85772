import type { Store } from "flagon";
import { memoryStore } from "flagon/memory";

/** A store that takes a write and rejects all the same while it `isAlone`: no replica has it. */
export function strictMemoryStore(now: () => number, isAlone: (command: "create" | "replace") => boolean): Store {
  const inner = memoryStore({ now });
  const checked = <Answer>(command: "create" | "replace", answer: Answer): Answer => {
    if (isAlone(command)) throw new Error("no replica has the write");
    return answer;
  };
  return {
    ...inner,
    create: async (session) => checked("create", await inner.create(session)),
    replace: async (session, version) => checked("replace", await inner.replace(session, version)),
  };
}
