import { type Deferred, deferred } from "../../../../../../src/testing/deferred.ts";

/** Lets a test move the clock, hold pages up and let them go on. */
export async function POST(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url);
  if (searchParams.has("aheadMs")) globalThis.flagonClock = { aheadMs: Number(searchParams.get("aheadMs")) };
  if (searchParams.has("hold")) globalThis.flagonHeld = deferred<void>();
  if (searchParams.has("open")) globalThis.flagonHeld?.resolve(undefined);
  return Response.json({ waiting: globalThis.flagonWaiting ?? 0 });
}

declare global {
  var flagonHeld: Deferred<void> | undefined;
  /** How many pages are held up. */
  var flagonWaiting: number | undefined;
}
