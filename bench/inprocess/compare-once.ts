/** One process of a comparison: `compare-once.ts <first folder> <second folder> <rounds> <milliseconds>`. Prints JSON. */
import { bare } from "./by-hand.ts";
import type { Act, Contender } from "./contender.ts";
import { loadBuild, sealedContenders, storedContenders } from "./flagon.ts";
import { find, measure, SEALED_LENGTH, subjectsOf } from "./subject.ts";

/** What one act took in either build, round by round. */
export interface Compared {
  readonly name: string;
  readonly samples: readonly [first: readonly number[], second: readonly number[]];
}

const [first = "", second = "", rounds, milliseconds] = process.argv.slice(2);
const builds = [await loadBuild(first), await loadBuild(second)] as const;
const [mine = [], theirs = []] = builds.map((build) => [
  // The same on both sides: how far its ratio is from 1 is noise.
  bare(SEALED_LENGTH),
  ...sealedContenders(build),
  ...storedContenders(build),
]);
const pairs = mine.map((one, i): [Contender, Contender] => [one, theirs[i] as Contender]);
const subjects = subjectsOf(pairs.flat());
await measure(subjects, Number(rounds), Number(milliseconds));

const samplesOf = (contender: Contender, act: Act): readonly number[] => find(subjects, contender, act)?.samples ?? [];
const compared = pairs.flatMap(([one, other]) =>
  one.acts.map(
    (act): Compared => ({ name: `${one.name}: ${act}`, samples: [samplesOf(one, act), samplesOf(other, act)] }),
  ),
);
console.log(JSON.stringify(compared));
