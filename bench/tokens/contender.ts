/** One way to keep session data in a cookie. Both acts start and end where a server does: at header text. */
export interface Contender {
  readonly name: string;
  /** Opens the token made beforehand, given as a fresh string, and reads one value. */
  open(): unknown;
  /** Opens it, changes one value and writes a new token. */
  change(): unknown;
  /** How many characters the token has; 0 when there is none to count. */
  readonly length: number;
}

/** A string of its own, as a server gets it from the socket: nothing about it is remembered. */
export function fresh(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

let count = 0;

/** Another number each time, so that a change is one. */
export function nextVisit(): number {
  count += 1;
  return count;
}
