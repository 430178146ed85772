import { setTimeout } from "node:timers/promises";
import type { RequestEvent } from "@sveltejs/kit";

async function userId({ locals }: RequestEvent): Promise<string> {
  await setTimeout(20);
  return `user: ${locals.session.userId}`;
}

export const load = (event: RequestEvent): { late: Promise<string> } => ({ late: userId(event) });
