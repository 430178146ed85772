import type { Server } from "node:http";
import { dataOf } from "../../lib/data.ts";

/** Made and not yet listening. */
export type Start = () => Server | Promise<Server>;

export const secret = "k3v9Zq1xW7bN5tR8mL2pD6sF4gH0jCyA";

/** 512 bytes of session. */
export const data: Record<string, unknown> = dataOf(512);

/** What an untouched page and a bare server say. */
export const hello = "Hello Ada Lovelace";

export function greet(name: unknown): string {
  return `Hello ${name ?? "stranger"}`;
}

/** What all the object-like sessions of the peers have in common. */
export interface Bag {
  visits?: number;
  [key: string]: unknown;
}
