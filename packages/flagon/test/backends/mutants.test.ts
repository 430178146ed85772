import type { Store } from "flagon";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type * as decision from "../../src/backends/decision.ts";
import type { Known, SessionIdentity } from "../../src/backends/decision.ts";
import { UserRevocations } from "../../src/backends/revocations/users.ts";
import { play } from "./model.ts";
import { holdTime, letTimeGo } from "./pauses.ts";
import type { Place } from "./processes.ts";

/*
 * What the model has to catch. Each of these is one rule of the design left out; were any of them played to the end without
 * a complaint, the model would be worth nothing.
 */
type Decision = typeof decision;

/** What stands in the place of the table of decisions, until the test is over. */
const mutant = vi.hoisted<{ present: Partial<Decision> }>(() => ({ present: {} }));

vi.mock(import("../../src/backends/decision.ts"), async (importOriginal) => {
  const real = await importOriginal();
  return {
    ...real,
    decide: (...given) => (mutant.present.decide ?? real.decide)(...given),
    standingOf: (...given) => (mutant.present.standingOf ?? real.standingOf)(...given),
  };
});
const real = await vi.importActual<Decision>("../../src/backends/decision.ts");

beforeEach(holdTime);
afterEach(() => {
  mutant.present = {};
  vi.restoreAllMocks();
  letTimeGo();
});

const SEEDS_MAX = 300;

/** Plays one seed after another until one fails; resolves what it says, and null when none does. */
async function complaint(place: Place, broken?: (store: Store) => Store): Promise<string | null> {
  for (let seed = 0; seed < SEEDS_MAX; seed++) {
    try {
      await play(place, seed, broken);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return null;
}

/** Whoever comes last wins, whatever was there. */
function ignoringVersions(store: Store): Store {
  const replace: Store["replace"] = async (session, version) => {
    const there = await store.read(session.id);
    return store.replace({ ...session, version: (there?.version ?? version) + 1 }, there?.version ?? version);
  };
  return { ...store, replace };
}

const withEverySession: Place[] = ["store", "revocations", "cookie", "moving"];

describe.each(withEverySession)("%s: the model catches", (place) => {
  test("nothing where nothing is left out", async () => {
    expect(await complaint(place)).toBeNull();
  });

  test("a generation that is not looked at when a cookie is opened", async () => {
    mutant.present.standingOf = (cookie, session, now) =>
      real.standingOf({ ...cookie, generation: session.generation }, session, now);
    expect(await complaint(place)).toContain("FLAGON_SEED=");
  });

  test("a generation that is not looked at when a request commits", async () => {
    const ofTheSession = (known: Known, session: SessionIdentity | null): Known => ({
      ...known,
      generation: session?.generation ?? known.generation,
      isOpened: true,
    });
    mutant.present.decide = (intent, known, session, options) =>
      real.decide(intent, ofTheSession(known, session), session, options);
    expect(await complaint(place)).toContain("FLAGON_SEED=");
  });

  test("a sign-out that ends nobody's session", async () => {
    mutant.present.decide = (intent, ...given) => (intent === "sign out" ? "ignore" : real.decide(intent, ...given));
    expect(await complaint(place)).toContain("FLAGON_SEED=");
  });
});

describe.each(["store", "revocations", "moving"] as const)("%s: the model catches", (place) => {
  test("a store that ignores versions", async () => {
    expect(await complaint(place, ignoringVersions)).toContain("FLAGON_SEED=");
  });

  test("a sign-in that does not look for its user's mark", async () => {
    vi.spyOn(UserRevocations.prototype, "find").mockResolvedValue(null);
    expect(await complaint(place)).toContain("FLAGON_SEED=");
  });
});
