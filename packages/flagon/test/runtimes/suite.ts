import { fetchCases } from "./fetch-cases.ts";
import { flaskCases } from "./flask-cases.ts";
import { lifetimeCases } from "./lifetime-cases.ts";
import { sealingCases } from "./sealing-cases.ts";
import { storeCases } from "./store-cases.ts";

/** What differs from one runtime to the next, and the texts that one reads from a file and another is given. */
export interface World {
  readonly runtime: string;
  /** `known-answers.json`: cookies, ids and rows that a script in Python made. */
  readonly knownAnswers: string;
  /** `flask-cookies.json`: cookies that Flask made. */
  readonly flaskCookies: string;
  /** A path for a new SQLite file; null where the runtime has no SQLite of its own. */
  readonly sqlitePath: (() => string) | null;
}

export interface Case {
  readonly name: string;
  run(): unknown;
}

export interface Outcome {
  readonly name: string;
  /** Null when it passed. */
  readonly failure: string | null;
}

/** Everything that has to hold wherever Flagon runs. Needs no test runner: Workers have none. */
export function casesFor(world: World): Case[] {
  return [...sealingCases(world), ...lifetimeCases, ...fetchCases, ...flaskCases(world), ...storeCases(world)];
}

export async function runCases(cases: readonly Case[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of cases) {
    try {
      await run();
      outcomes.push({ name, failure: null });
    } catch (error) {
      outcomes.push({ name, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  return outcomes;
}
