import { testRounds } from "./rounds.ts";

/* The long tests have twenty rounds. */
testRounds(3);
