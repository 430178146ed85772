import type { SessionRecord } from "flagon";

/** What a record has of a session that was neither rotated nor signed in to, and whose absolute end is far off. */
export const unrotated: Pick<SessionRecord, "generation" | "since" | "signInId" | "rotatedAt" | "endsAt"> = {
  generation: 0,
  since: 0,
  signInId: 0,
  rotatedAt: 0,
  endsAt: 2 ** 47,
};

/** The id of the session's row: the first 16 bytes of its own, which is longer. */
export function rowIdOf({ id }: { readonly id: string }): string {
  return Buffer.from(id, "base64url").subarray(0, 16).toString("base64url");
}
