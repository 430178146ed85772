const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/** A duration as a person says it, in its two largest units: "30 minutes", "1 hour 5 minutes". */
export function durationText(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    rest %= size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 seconds";
}

/** A duration rounded up to a whole minute, for "try again in …". */
export function waitText(seconds: number): string {
  return seconds < 60 ? "a minute" : durationText(Math.ceil(seconds / 60) * 60);
}

/** How long ago something was, in its largest unit alone: "just now", "5 minutes ago". */
export function agoText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1_000);
  if (seconds < 45) return "just now";
  return `${durationText(Math.max(60, seconds)).split(" ").slice(0, 2).join(" ")} ago`;
}

export function numberText(number: number): string {
  return number.toLocaleString("en");
}

/** Time left, short enough to count down in place: "29 min 58 s", "11 h 59 min", "30 d 23 h". app.js writes it the same. */
export function timeLeftText(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}
