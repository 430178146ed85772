import { isIPv6 } from "node:net";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { accountKey } from "./users.ts";

const windowSeconds = 15 * 60;

/**
 * How many passwords may be tried within the window, for one account and from one address. Whoever knows a name can
 * thereby keep its owner from signing in for a while; without the first limit, many addresses could guess for ever.
 */
const triesForAccount = 10;
const triesFromAddress = 60;

/**
 * Counts attempts to sign in, whether or not the account exists. Kept in this process's memory: an app on several
 * machines takes rate-limiter-flexible's Redis or PostgreSQL limiter in the same place.
 */
export interface Attempts {
  /** Takes a try before the password is looked at, so that parallel guesses count too. Seconds to wait, or null. */
  take(username: string, address: string): Promise<number | null>;
  /** The password was right: the try is given back. */
  succeeded(username: string, address: string): Promise<void>;
}

export function countAttempts(): Attempts {
  const accounts = new RateLimiterMemory({ keyPrefix: "account", points: triesForAccount, duration: windowSeconds });
  const addresses = new RateLimiterMemory({ keyPrefix: "address", points: triesFromAddress, duration: windowSeconds });
  return {
    async take(username, address) {
      return (
        (await secondsToWait(addresses, network(address))) ?? (await secondsToWait(accounts, accountKey(username)))
      );
    },
    async succeeded(username, address) {
      await Promise.all([accounts.delete(accountKey(username)), addresses.reward(network(address))]);
    },
  };
}

/** New accounts from one address: each costs a hash and a row. */
export interface SignUps {
  /** Seconds to wait, or null. */
  take(address: string): Promise<number | null>;
}

export function countSignUps(): SignUps {
  const addresses = new RateLimiterMemory({ keyPrefix: "sign-up", points: 30, duration: 3_600 });
  return { take: (address) => secondsToWait(addresses, network(address)) };
}

async function secondsToWait(limiter: RateLimiterMemory, key: string): Promise<number | null> {
  try {
    await limiter.consume(key);
    return null;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
    throw refusal;
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
