/** What lives and what is lost, as the page shows it. */
export interface State {
  readonly instances: readonly InstanceState[];
  readonly nodes: readonly NodeState[];
}

export interface InstanceState {
  /** "a", "b" or "c". */
  readonly name: string;
  readonly isUp: boolean;
}

export interface NodeState {
  /** 1 to 6. */
  readonly number: number;
  readonly port: number;
  readonly role: "master" | "replica" | "lost";
  /** Of a master: first and last of each range. */
  readonly slots: readonly (readonly [from: number, to: number])[];
  /** Of a replica: its master's number; null while it has none. */
  readonly of: number | null;
  /** Of two masters that claim a slot, the one with the greater epoch has it. */
  readonly epoch: number;
}

/** What a person can have done to the cluster, from the page. */
export type Wish =
  | { readonly lose: "instance"; readonly name: string }
  | { readonly lose: "node"; readonly slot: number }
  | { readonly bringAllBack: true };

/** From the process that started all to an instance. */
export type ToInstance = { readonly state: State } | { readonly done: number };

/** From an instance to the process that started it. */
export type FromInstance = { readonly listening: number } | { readonly wish: Wish; readonly number: number };

/** Null while the slot has no master: the one it had is lost, and no replica has been promoted yet. */
export function masterOf(slot: number, nodes: readonly NodeState[]): NodeState | null {
  const claims = nodes.filter(({ slots }) => slots.some(([from, to]) => from <= slot && slot <= to));
  return claims.toSorted((a, b) => b.epoch - a.epoch)[0] ?? null;
}

/** The id of a session's row: the first 16 bytes of the session's own, the rest of which changes when somebody signs in. */
export function rowIdOf(sessionId: string): string {
  return Buffer.from(sessionId, "base64url").subarray(0, 16).toString("base64url");
}

/** The slot of a row's key: CRC16 (XMODEM) of its name, modulo 16,384, as the Redis Cluster specification has it. */
export function slotOf(rowId: string): number {
  let crc = 0;
  for (const byte of Buffer.from(`flagon:s:${rowId}`)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0);
    crc &= 0xffff;
  }
  return crc % 16_384;
}
