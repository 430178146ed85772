import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { FlagonEvents } from "flagon";

export const channels: readonly (keyof FlagonEvents)[] = [
  "flagon:open",
  "flagon:commit",
  "flagon:reject",
  "flagon:conflict",
  "flagon:revoke",
];

export interface Heard {
  readonly channel: string;
  readonly message: unknown;
}

/** What Flagon told its channels while `act` ran. */
export function listen(act: () => unknown): Heard[] {
  const heard: Heard[] = [];
  const hear = (message: unknown, channel: string | symbol): void => {
    heard.push({ channel: String(channel), message });
  };
  for (const channel of channels) subscribe(channel, hear);
  try {
    act();
  } finally {
    for (const channel of channels) unsubscribe(channel, hear);
  }
  return heard;
}
