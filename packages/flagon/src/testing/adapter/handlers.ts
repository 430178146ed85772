import type { HeaderLine } from "../../http/headers.ts";
import type { Session } from "../../session.ts";
import type { AdapterReply } from "./app.ts";
import type { Data } from "./client.ts";
import { marker } from "./witness.ts";

/** Somebody who signs in, and what is theirs alone. */
export interface Member {
  readonly name: string;
  readonly userId: string;
  readonly secret: string;
  readonly message: string;
}

/** A megabyte, in pieces that differ. */
export const largeChunks: readonly string[] = Array.from({ length: 64 }, (_, index) => `${index}:`.padEnd(16_384, "x"));

export function newMember(name: string): Member {
  return {
    name: marker(name),
    userId: marker(`user-${name}`),
    secret: marker(`secret-${name}`),
    message: marker(`message-${name}`),
  };
}

export function signIn(session: Session<Data>, { name, userId, secret, message }: Member): AdapterReply {
  session.login(userId);
  session.set("name", name).set("message", message).set("basket", { secret, items: [] });
  return text(`counted ${counted(session)}`);
}

/** Everything that a session says of whose it is. */
export function mineOf(session: Session<Data>): Mine {
  return {
    id: session.id,
    userId: session.userId,
    name: session.get("name") ?? null,
    secret: (session.get("basket") as Basket | undefined)?.secret ?? null,
    count: session.get("count") ?? null,
    csrfToken: session.csrfToken(),
  };
}

/** What "/mine" answers with. */
export interface Mine {
  readonly id: string;
  readonly userId: string | null;
  readonly name: unknown;
  readonly secret: unknown;
  readonly count: unknown;
  readonly csrfToken: string;
}

interface Basket {
  readonly secret: string;
  readonly items: string[];
}

/** Changes a value in place, and says how long the list is then, and whose. */
export function nest(session: Session<Data>): string {
  if (!session.has("basket")) session.set("basket", { items: [] });
  const { items } = session.get("basket") as Basket;
  return `${items.push(`item ${items.length + 1}`)}${nameIn(session)}`;
}

export function text(body: string, headers: readonly HeaderLine[] = []): AdapterReply & { kind: "text" } {
  return { kind: "text", body, headers };
}

export function look(session: Session<Data>): string {
  return `${session.get("count") ?? "nothing"}${nameIn(session)}`;
}

/** The count that this request made, and for whom. */
export function counted(session: Session<Data>): string {
  return `${count(session)}${nameIn(session)}`;
}

/** For whom an answer is: empty for a visitor without a name. */
function nameIn(session: Session<Data>): string {
  return session.has("name") ? ` for ${session.get("name")}` : "";
}

export function count(session: Session<Data>): number {
  return session.update("count", (value) => Number(value ?? 0) + 1) as number;
}
