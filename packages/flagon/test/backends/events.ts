import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { FlagonEvents } from "flagon";

/** What Flagon tells on one channel while `work` runs. */
export async function heard<Name extends keyof FlagonEvents>(
  name: Name,
  work: () => Promise<unknown>,
): Promise<FlagonEvents[Name][]> {
  const messages: FlagonEvents[Name][] = [];
  const listen = (message: unknown): void => void messages.push(message as FlagonEvents[Name]);
  subscribe(name, listen);
  try {
    await work();
  } finally {
    unsubscribe(name, listen);
  }
  return messages;
}
