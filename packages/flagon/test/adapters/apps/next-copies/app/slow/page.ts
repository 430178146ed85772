import { getSession } from "flagon/next";
import { createElement, type ReactElement } from "react";
import { all, copy, type Kind } from "../../sessions.ts";

interface Props {
  readonly searchParams: Promise<{ readonly kind: Kind }>;
}

/** Reads its session, and is held up when a test says so. */
export default async function Page({ searchParams }: Props): Promise<ReactElement> {
  const { userId } = await getSession(all[(await searchParams).kind]);
  globalThis.flagonWaiting = (globalThis.flagonWaiting ?? 0) + 1;
  await globalThis.flagonHeld?.promise;
  globalThis.flagonWaiting -= 1;
  return createElement("p", null, JSON.stringify({ userId, copy }).replaceAll('"', "'"));
}
