/** One way to keep session data in a cookie. Both acts start and end where a server does: at header text. */
export interface Contender {
  readonly name: string;
  /** Opens the token made beforehand, given as a fresh string, and reads one value. */
  open(): unknown;
  /** Writes a token; null where the library has no such call of its own. */
  seal: (() => unknown) | null;
  /** How many characters the token has; 0 when there is none to count. */
  readonly length: number;
}

/** A string of its own, as a server gets it from the socket: nothing about it is remembered. */
export function fresh(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
