/** A number of seconds, or a number with a unit: seconds, minutes, hours or days. */
export type Duration = number | `${number}${"s" | "m" | "h" | "d"}`;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds. Throws a `TypeError` that names the option for what is no duration, or not above zero. */
export function parseDuration(duration: Duration, option: string): number {
  const text = typeof duration === "number" ? `${duration}s` : duration;
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
  // Hundreds of digits make no number.
  if (ms > 0 && ms < 1e99) return ms;
  throw new TypeError(`${option} must be a time above 0, such as "30m"`);
}
