import type { NodeState, State } from "./state.ts";

/** What a terminal is told when the cluster is no longer what it was. */
export function changes(before: State, after: State): string[] {
  const instances = after.instances.flatMap(({ name, isUp }, index) => {
    if (isUp === before.instances[index]?.isUp) return [];
    return [`Instance ${name} ${isUp ? "is back" : "is lost"}.`];
  });
  const nodes = after.nodes.flatMap((node) => {
    const text = nodeText(node);
    const was = before.nodes[node.number - 1];
    return was === undefined || nodeText(was) === text ? [] : [`Redis ${node.number} (port ${node.port}) is ${text}.`];
  });
  return [...instances, ...nodes];
}

export function nodeText({ role, slots, of }: NodeState): string {
  if (role === "lost") return "lost";
  if (role === "replica") return of === null ? "a replica without a master" : `a replica of Redis ${of}`;
  return slots.length === 0 ? "a master without slots" : `master of slots ${slots.map(rangeText).join(", ")}`;
}

function rangeText([from, to]: readonly [number, number]): string {
  return `${from} to ${to}`;
}
