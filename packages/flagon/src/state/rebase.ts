import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "../formats/values.ts";
import { readBy, type SessionState } from "./session-state.ts";

/**
 * The record to write, as `SessionState.result`, where another request may have stored a newer one since: this request's
 * changes over `newer`, key by key. Two requests that touch different keys both win. Null when the session ended and none
 * began.
 */
export function rebase(state: SessionState, newer: SessionRecord | null): SessionRecord | null {
  const { base, loaded, rules } = state;
  const result = state.result();
  // What began in this request rests on nothing that could be newer.
  if (result === null || newer === null || base !== loaded.record || newer === loaded.record) return result;
  const ground = readBy(rules, newer);
  const data = state.isCleared ? {} : { ...ground.data };
  for (const key of state.changedKeys()) {
    const steps = state.steps.get(key);
    const value = steps ? steps.reduce((made, step) => step(made), ownValue(data, key)) : state.record.data[key];
    if (steps || state.has(key)) setOwn(data, key, value);
    else delete data[key];
  }
  rules.schema?.check(data);
  const permanent = result.permanent === base.permanent ? ground.permanent : result.permanent;
  const taken = base.flashes.filter((flash) => !result.flashes.includes(flash));
  const added = result.flashes.filter((flash) => !base.flashes.includes(flash));
  return { ...result, permanent, data, flashes: [...withoutEach(ground.flashes, taken), ...added] };
}

/** Keys that this request sets or deletes outright although `newer` has another value than the one loaded. */
export function conflictingKeys(state: SessionState, newer: SessionRecord): string[] {
  const { base, loaded, rules } = state;
  if (newer === loaded.record) return [];
  return state.changedKeys().filter((key) => {
    const text = state.snapshots.get(key) ?? rules.print(key, ownValue(base.data, key));
    return !state.steps.get(key) && text !== rules.print(key, ownValue(newer.data, key));
  });
}

/** The record without what the visitor stored: what a session that takes the place of an ended one begins with. */
export function withoutData(record: SessionRecord): SessionRecord {
  return { ...record, data: {}, flashes: [] };
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
