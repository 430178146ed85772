import { randomBytes } from "node:crypto";
import { sessionCookies } from "./client.ts";
import type { RawReply } from "./raw-http.ts";

/** Who asks: a visitor with a name, a user id and a secret of their own, or a stranger, whom nothing belongs to. */
export interface Person {
  readonly name: string;
}

/** Text that occurs nowhere else, and is the same in a header, a URL and JSON. */
export function marker(what: string): string {
  return `${what}-${randomBytes(12).toString("hex")}`;
}

/** The session id, CSRF token and the like are this long at least; what is shorter can occur by chance. */
const LENGTH_MIN = 16;

/**
 * Keeps what belongs to each person, whenever it was theirs, and holds every answer against who asked for it: status line,
 * head and body may hold nothing of anybody else's.
 */
export class Witness {
  readonly #owners = new Map<string, { readonly owner: Person; readonly what: string }>();
  /** How many answers it has seen. */
  answers = 0;

  /** From now on nobody else may be answered with this. */
  belongs(owner: Person, what: string, text: string): void {
    if (text.length < LENGTH_MIN) throw new Error(`${what} of ${owner.name} is too short to look for: ${text}`);
    const known = this.#owners.get(text);
    if (known !== undefined && known.owner !== owner) {
      throw new Error(`${owner.name} was given the ${known.what} of ${known.owner.name}`);
    }
    this.#owners.set(text, { owner, what });
  }

  /** Throws for an answer that holds what is somebody else's. The cookies in it belong to who asked. */
  hold(person: Person, asked: string, reply: RawReply): void {
    this.answers += 1;
    // A marker may be cut in two by the framing of chunks, or by nothing else than a body's own bytes.
    for (const [text, { owner, what }] of this.#owners) {
      if (owner === person || !(reply.raw.includes(text) || reply.body.includes(text))) continue;
      throw new Error(`the answer to ${asked} for ${person.name} holds the ${what} of ${owner.name}`);
    }
    for (const line of sessionCookies(reply)) {
      const value = line.slice(line.indexOf("=") + 1).split(";")[0] ?? "";
      if (value !== "") this.belongs(person, "cookie", value);
    }
  }
}
