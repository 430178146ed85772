import type { Server, ServerResponse } from "node:http";

/** What a request does: answers without a look at the session, reads one value of it, or changes one. */
export const acts = ["untouched", "read", "write"] as const;
export type Act = (typeof acts)[number];

/** A `node:http` server with one way to keep sessions; `/fill` makes the session to begin with. */
export interface Contender {
  readonly name: string;
  readonly acts: readonly Act[];
  /** Another server each time, so that nothing one act leaves behind (a full cache, say) is found by the next. */
  serve(): Server;
}

/** With its length, since express-session counts on it. */
export function send(response: ServerResponse, text: string): void {
  response.setHeader("Content-Type", "text/plain");
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(text);
}
