import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "../formats/values.ts";
import { readBy, type SessionState } from "./session-state.ts";

/**
 * The request's changes over `newer`, which another request may have stored since, key by key: two requests that touch
 * different keys both win. Id, sign-in and clocks are `newer`'s, but for the idle clock.
 */
export function rebase(state: SessionState, newer: SessionRecord): SessionRecord {
  const { base, loaded, rules } = state;
  const renewedAt = rules.now();
  if (newer === loaded.record) {
    const { data, flashes, permanent } = state.record;
    rules.schema?.check(data);
    return { ...newer, data, flashes, permanent, renewedAt };
  }
  const ground = readBy(rules, newer);
  const data = state.isCleared ? {} : { ...ground.data };
  for (const key of state.changedKeys()) {
    const updates = state.updates.get(key);
    const value = updates ? updates.reduce((made, step) => step(made), ownValue(data, key)) : state.record.data[key];
    if (updates || state.has(key)) setOwn(data, key, value);
    else delete data[key];
  }
  rules.schema?.check(data);
  const { flashes: left, permanent: wanted } = state.record;
  const permanent = wanted === base.permanent ? ground.permanent : wanted;
  const taken = base.flashes.filter((flash) => !left.includes(flash));
  const added = left.filter((flash) => !base.flashes.includes(flash));
  return { ...ground, permanent, data, flashes: [...withoutEach(ground.flashes, taken), ...added], renewedAt };
}

/**
 * The record of a sign-in that begins a session of its own, since the one that the request came with is over or somebody
 * else's: with what this request stored, and nothing of that one.
 */
export function recordApart(state: SessionState): SessionRecord {
  const { loaded, record, rules } = state;
  const before = loaded.record?.id ?? loaded.named;
  const id = before === undefined ? record.id : rules.idAfter(before);
  const made = rebase(state, { ...record, id, generation: 0, since: 0, data: {}, flashes: [] });
  return { ...made, rotatedAt: made.renewedAt, endsAt: rules.absoluteEnd(made) };
}

/** Keys that this request sets or deletes outright although `newer` has another value than the one loaded. */
export function conflictingKeys(state: SessionState, newer: SessionRecord): string[] {
  const { base, loaded, rules } = state;
  if (newer === loaded.record) return [];
  return state.changedKeys().filter((key) => {
    const text = state.snapshots.get(key) ?? rules.print(key, ownValue(base.data, key));
    return !state.updates.get(key) && text !== rules.print(key, ownValue(newer.data, key));
  });
}

/** `all` without one equal flash for each in `taken`. */
function withoutEach(all: readonly Flash[], taken: readonly Flash[]): Flash[] {
  const left = [...all];
  for (const { message, category } of taken) {
    const index = left.findIndex((flash) => flash.message === message && flash.category === category);
    if (index !== -1) left.splice(index, 1);
  }
  return left;
}

function ownValue(data: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(data, key) ? data[key] : undefined;
}
