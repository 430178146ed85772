import type { Store } from "flagon";
import { slotOf } from "./state.ts";

/** What is used of node-redis's Cluster client. */
interface ClusterClient<Master> {
  readonly masters: readonly Master[];
  getSlotMaster(slot: number): Master;
  nodeClient(master: Master): Node | Promise<Node>;
}

interface Node {
  sendCommand(command: string[]): Promise<unknown>;
}

/**
 * A store on a Redis Cluster that acknowledges a write when a replica has it too.
 *
 * Redis copies to replicas after it has answered, so that a master that dies at once takes its last answers with it. WAIT, on
 * the connection that wrote, answers when a replica has all that was written there: then the one that is promoted has it. It
 * costs a round trip between the two, and holds up what is behind it on the same connection.
 *
 * Where no replica lives, it gives up after {@link WAIT_MS}, and the write counts all the same: after the loss of one node
 * people go on, with one copy. An app that would rather refuse has `create` and `replace` throw when WAIT answers 0 (or takes
 * the recipe in docs/stores.md). Nor does WAIT make Redis a database with consensus: a master cut off from the others
 * acknowledges for a moment what is then dropped.
 */
export function waitForReplica<Master>(store: Store, client: ClusterClient<Master>): Store {
  // Not by the Cluster client itself: that one asks all masters, and one that is lost would fail everybody's writes.
  const waitOn = async (master: Master) =>
    (await client.nodeClient(master)).sendCommand(["WAIT", "1", String(WAIT_MS)]);
  const waitFor = (id: string) => waitOn(client.getSlotMaster(slotOf(id)));
  return {
    ...store,
    async create(session) {
      await store.create(session);
      await waitFor(session.id);
    },
    async replace(session, version) {
      const isReplaced = await store.replace(session, version);
      if (isReplaced) await waitFor(session.id);
      return isReplaced;
    },
    async delete(id) {
      await store.delete(id);
      await waitFor(id);
    },
  };
}

const WAIT_MS = 100;
