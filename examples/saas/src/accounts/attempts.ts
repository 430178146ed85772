import { isIPv6 } from "node:net";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { accountKey } from "./users.ts";

const quarterHour = 15 * 60;
const hour = 60 * 60;

/**
 * Whose tries are counted together. Whoever was here before, with this session or in this browser, has a count of their
 * own, so that nobody who merely knows their name can use it up for them. Strangers are counted by their network.
 */
export type Guesser =
  | { readonly kind: "session"; readonly id: string }
  | { readonly kind: "device"; readonly id: string }
  | { readonly kind: "stranger"; readonly username: string; readonly address: string };

/**
 * Counts attempts at a password, whether or not the account exists. Kept in this process's memory: an app on several
 * machines takes rate-limiter-flexible's Redis or PostgreSQL limiter in the same place.
 */
export interface Attempts {
  /** Takes a try before the password is looked at, so that parallel guesses count too. Seconds to wait, or null. */
  take(guesser: Guesser): Promise<number | null>;
  /** The password was right: the guesser's own count begins anew, and what it shares with others gets the try back. */
  succeeded(guesser: Guesser): Promise<void>;
}

export function countAttempts(): Attempts {
  const sessions = new Counter(10, quarterHour);
  const devices = new Counter(10, quarterHour);
  const networksAtAccounts = new Counter(10, quarterHour);
  const networks = new Counter(60, quarterHour);
  // Without this one, many networks could guess for ever. While it is used up, a browser that is new to the account waits.
  const accounts = new Counter(100, hour);

  /** The guesser's own count first: what it refuses takes nothing from others. */
  const countsOf = (guesser: Guesser): readonly [Count, ...Count[]] => {
    if (guesser.kind === "session") return [[sessions, guesser.id]];
    if (guesser.kind === "device") return [[devices, guesser.id]];
    const from = network(guesser.address);
    const account = accountKey(guesser.username);
    return [
      [networksAtAccounts, `${from} ${account}`],
      [networks, from],
      [accounts, account],
    ];
  };

  return {
    async take(guesser) {
      for (const [counter, key] of countsOf(guesser)) {
        const wait = await counter.take(key);
        if (wait !== null) return wait;
      }
      return null;
    },
    async succeeded(guesser) {
      const [[own, key], ...shared] = countsOf(guesser);
      await own.forget(key);
      for (const [counter, sharedKey] of shared) await counter.giveBack(sharedKey);
    },
  };
}

/** New accounts from one network: each costs a hash and a row. */
export interface SignUps {
  /** Seconds to wait, or null. */
  take(address: string): Promise<number | null>;
}

export function countSignUps(): SignUps {
  const networks = new Counter(30, hour);
  return { take: (address) => networks.take(network(address)) };
}

type Count = readonly [counter: Counter, key: string];

/** So many tries for each key within the window. The keys used least recently are forgotten past `keysMax`. */
export class Counter {
  readonly #limiter: RateLimiterMemory;
  readonly #keys = new Set<string>();
  readonly #keysMax: number;

  constructor(tries: number, windowSeconds: number, keysMax = 20_000) {
    this.#limiter = new RateLimiterMemory({ points: tries, duration: windowSeconds });
    this.#keysMax = keysMax;
  }

  /** Seconds to wait, or null when there was a try left. */
  async take(key: string): Promise<number | null> {
    await this.#makeRoomFor(key);
    try {
      await this.#limiter.consume(key);
      return null;
    } catch (refusal) {
      if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
      throw refusal;
    }
  }

  async giveBack(key: string): Promise<void> {
    if (this.#keys.has(key)) await this.#limiter.reward(key);
  }

  async forget(key: string): Promise<void> {
    this.#keys.delete(key);
    await this.#limiter.delete(key);
  }

  async #makeRoomFor(key: string): Promise<void> {
    // A set keeps the order of insertion: the first is the one that was longest unused.
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest = key] = this.#keys;
    if (this.#keys.size > this.#keysMax) await this.forget(oldest);
  }
}

/** An IPv4 address, or the /64 of an IPv6 one: one household has 2^64 of those to try from. */
export function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
