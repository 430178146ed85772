import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { RedisPart, Send } from "./client.ts";

/**
 * What has to be one step in Redis. Each script names one key, so that in a Cluster it runs where that key is, and gets
 * every time from the caller's clock, so that the two clocks need not agree.
 *
 * Lua's numbers are doubles: whole up to 2^53, which is all that a session's integers may be.
 */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

const script = (text: string): Script => ({ text, sha: createHash("sha1").update(text).digest("hex") });

/** `head` is what decides, without the data; its places are redis-value.ts's, counted from 1. */
const opening = `
local key, now = KEYS[1], tonumber(ARGV[1])
local function number(text, at)
  local value = 0
  for place = at, at + 7 do value = value * 256 + string.byte(text, place) end
  return value
end
local function length(text, at)
  local a, b, c, d = string.byte(text, at, at + 3)
  return ((a * 256 + b) * 256 + c) * 256 + d
end
local function has(head, flag) return math.floor(string.byte(head, 42) / flag) % 2 == 1 end
local head = redis.call("GETRANGE", key, 0, 49)
local sound = #head == 50 and string.byte(head, 1) == 1
`;

const refuseCorrupt = `
if #head > 0 and not sound then return redis.error_reply("FLAGON a value that is no session") end
`;

/** now, time to live, value → 1 when created, 0 when a live session has the key. */
export const createScript: Script = script(`${opening}${refuseCorrupt}
if sound and number(head, 34) > now then return 0 end
redis.call("SET", key, ARGV[3], "PX", ARGV[2])
return 1`);

/**
 * now, time to live, value, the version to replace, "1" when the value was indexed anew → 1 when replaced, 0 when not,
 * 2 when the user's index has to know of it first.
 */
export const replaceScript: Script = script(`${opening}${refuseCorrupt}
local value = ARGV[3]
if not sound or number(head, 34) <= now or number(head, 10) ~= tonumber(ARGV[4]) then return 0 end
if has(value, 4) then
  if not has(head, 4) then return 0 end
  if ARGV[5] ~= "1" then
    if has(value, 1) then
      local last = 49 + length(value, 43)
      local same = has(head, 1) and redis.call("GETRANGE", key, 50, 49 + length(head, 43)) == string.sub(value, 51, last + 1)
      if not same or number(value, 34) > number(head, 2) then return 2 end
    end
    value = string.sub(value, 1, 1) .. string.sub(head, 2, 9) .. string.sub(value, 10)
  end
end
redis.call("SET", key, value, "PX", ARGV[2])
return 1`);

/**
 * now, expires, last seen, the two as bytes, the margin, then when the user's index was told: until when, as bytes, and
 * the user → 1 when done or nothing was to do, else the user whose index has to know of it first.
 */
export const touchScript: Script = script(`${opening}${refuseCorrupt}
if not sound or number(head, 34) <= now or not has(head, 4) then return 1 end
local expires, seen = tonumber(ARGV[2]), tonumber(ARGV[3])
if expires > number(head, 34) then
  if has(head, 1) and expires > number(head, 2) then
    local user = redis.call("GETRANGE", key, 50, 49 + length(head, 43))
    if ARGV[8] ~= user or ARGV[7] == nil then return user end
    redis.call("SETRANGE", key, 1, ARGV[7])
  end
  redis.call("SETRANGE", key, 33, ARGV[4])
  redis.call("PEXPIRE", key, string.format("%.0f", expires - now + tonumber(ARGV[6])))
end
if seen > number(head, 26) then redis.call("SETRANGE", key, 25, ARGV[5]) end
return 1`);

/** now, until, entry, time to live → how many entries the index has. It lives as long as the longest of them. */
export const indexScript: Script = script(`
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", ARGV[1])
redis.call("ZADD", KEYS[1], ARGV[2], ARGV[3])
if redis.call("PTTL", KEYS[1]) < tonumber(ARGV[4]) then redis.call("PEXPIRE", KEYS[1], ARGV[4]) end
return redis.call("ZCARD", KEYS[1])`);

/** Sends a script by its digest, and whole to a server that does not have it yet (restarted, failed over, flushed). */
export async function runScript(
  send: Send,
  script: Script,
  key: string,
  parts: readonly RedisPart[],
): Promise<unknown> {
  try {
    return await send("EVALSHA", key, script.sha, ...parts);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return send("EVAL", key, script.text, ...parts);
  }
}

export function textOf(reply: unknown): string {
  return Buffer.isBuffer(reply) ? reply.toString("utf8") : String(reply);
}
