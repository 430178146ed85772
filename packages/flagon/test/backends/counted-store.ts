import type { Store } from "flagon";

/** A store that tells which commands it was given, by the names of its methods. */
export class CountedStore implements Store {
  readonly #inner: Store;
  commands: string[] = [];

  constructor(inner: Store) {
    this.#inner = inner;
  }

  /** The commands since the last call. */
  taken(): string[] {
    const taken = this.commands;
    this.commands = [];
    return taken;
  }

  read: Store["read"] = (id) => this.#tell("read").read(id);
  create: Store["create"] = (session) => this.#tell("create").create(session);
  replace: Store["replace"] = (session, version) => this.#tell("replace").replace(session, version);
  touch: Store["touch"] = (id, clocks) => this.#tell("touch").touch(id, clocks);
  delete: Store["delete"] = (id) => this.#tell("delete").delete(id);
  list: Store["list"] = (userId) => this.#tell("list").list(userId);
  deleteExpired: Store["deleteExpired"] = (now) => this.#tell("deleteExpired").deleteExpired(now);

  #tell(command: string): Store {
    this.commands.push(command);
    return this.#inner;
  }
}
